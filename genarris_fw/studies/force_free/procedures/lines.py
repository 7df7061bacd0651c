"""Field_Lines: the field lines of fields, and of the networks that were trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import EngineError, InputError
from genarris_fw.procedures.kit.base import Campaign, Item, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.done_items import done_items, publish_results
from genarris_fw.procedures.kit.item_files import ItemFiles, forget_item_files
from genarris_fw.procedures.kit.run_files import about_file
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.judging.field_lines import field_lines, kinds_of_lines, paper_seeds, write_lines
from genarris_fw.studies.force_free.options.evaluation import FieldLinesOptions
from genarris_fw.studies.force_free.procedures.fields import load_field, potential_of
from genarris_fw.studies.force_free.procedures.trained import trained_field, trainings
from genarris_fw.threads import one_thread

Step = Campaign[FieldLinesOptions]


@explicit_serialize
class FieldLines(Procedure[FieldLinesOptions]):
    """Trace field lines: an item is a field, or a trained network."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return an item for each field, and each network that was trained on one of them."""
        options = campaign.options
        assert options.fields is not None  # resolved
        items = [Item(name, {"field": name}) for name in options.fields]
        for training in trainings(campaign, options.train_step) if options.train_step else []:
            field = about_file(campaign, training)["field"]
            if field in options.fields:
                items.append(Item(training.partition("/")[2], {"field": field, "training": training}))
        return items

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Trace the lines of one."""
        try:
            return self._traced(campaign, item)
        except InputError as error:  # it will not be better the next time
            raise EngineError(str(error), "input", permanent=True) from None

    @one_thread()
    def _traced(self, campaign: Step, item: Item) -> Outcome:
        field = _field(campaign, item.payload)
        lines = field_lines(field, paper_seeds(field.grid, campaign.options.seeds_along_edge))
        about = {**item.payload, "digest": field.digest, "lines": len(lines), **kinds_of_lines(lines, field.grid)}
        file = ItemFiles(campaign, item).result(lambda path: write_lines(lines, path))
        return Outcome(about | {"file": file})

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the lines known by name, and draw those of each field beside the best trained ones."""
        folder = campaign.options.output_dir
        assert folder is not None  # resolved
        done = done_items(campaign, "no field lines could be traced")
        publish_results(campaign, done, "lines/{}".format, Path(folder), "the lines")
        if campaign.options.pictures and campaign.sees_folder():
            _draw(campaign, [record["outcome"] for record in done], Path(folder))
        kinds = {kind: sum(record["outcome"][kind] for record in done) for kind in ("closed", "open")}
        return {"fields": len(done), **kinds}

    @classmethod
    def tidy(cls, catalogue: Catalogue, run: str, step: str, folders: Sequence[Path]) -> None:
        """Remove what was kept on the way."""
        forget_item_files(catalogue, run, step, folders)


def _field(campaign: Step, payload: Mapping[str, Any]) -> Field:
    reference = load_field(campaign, payload["field"])
    training = payload.get("training")
    return trained_field(campaign, training, reference) if training else reference


def _draw(campaign: Step, done: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Draw the lines of each field, of the network of lowest loss, and of the potential field."""
    from genarris_fw.pictures.saving import save
    from genarris_fw.studies.force_free.showing.field_line_pictures import field_line_picture

    place = campaign.prepared(folder)
    place.mkdir(parents=True, exist_ok=True)
    for field in dict.fromkeys(one["field"] for one in done):
        trained = [one for one in done if one["field"] == field and one.get("training")]
        reference = load_field(campaign, field)
        fields = {field: reference}
        if trained:
            best = min(trained, key=lambda one: float(about_file(campaign, one["training"])["loss"]))
            fields[best["training"].partition("/")[2]] = _field(campaign, best)
            fields["potential field"] = potential_of(campaign, field, reference)
        save(field_line_picture(fields, campaign.options.seeds_along_edge), place / f"lines_{field}")
