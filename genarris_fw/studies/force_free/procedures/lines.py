"""Field_Lines: the field lines of fields, and of the networks that were trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genarris_fw.errors import EngineError, InputError, RunFailed
from genarris_fw.procedures.kit.base import Campaign, Item, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.item_files import ItemFiles, forget_item_files, publish_item_file
from genarris_fw.procedures.kit.run_files import about_file
from genarris_fw.studies.force_free.judging.field_lines import field_lines, kinds_of_lines, paper_seeds, write_lines
from genarris_fw.studies.force_free.options.evaluation import FieldLinesOptions
from genarris_fw.studies.force_free.procedures.evaluation import trained_field, trainings
from genarris_fw.studies.force_free.procedures.fields import load_field
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

    @one_thread()
    def work(self, campaign: Step, item: Item) -> Outcome:
        """Trace the lines of one."""
        try:
            field = load_field(campaign, item.payload["field"])
            if training := item.payload.get("training"):
                field, _ = trained_field(campaign, training, field)
            lines = field_lines(field, paper_seeds(field.grid, campaign.options.seeds_along_edge))
        except InputError as error:
            raise EngineError(str(error), "input", permanent=True) from None
        about = {**item.payload, "digest": field.digest, "lines": len(lines), **kinds_of_lines(lines, field.grid)}
        file = ItemFiles(campaign, item).result(lambda path: write_lines(lines, path))
        return Outcome(about | {"file": file})

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the lines known by name."""
        folder = campaign.options.output_dir
        assert folder is not None  # resolved
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        for record in done:
            about = {name: value for name, value in record["outcome"].items() if name != "file"}
            name, path = f"lines/{record['key']}", Path(folder) / f"{record['key']}.npz"
            if not publish_item_file(campaign, record["outcome"]["file"], name, path, **about):
                raise RunFailed(f"{campaign.step}: the lines of {record['key']} are gone; try it again with retry")
        kinds = {kind: sum(record["outcome"][kind] for record in done) for kind in ("closed", "open")}
        return {"fields": len(done), **kinds}

    @classmethod
    def tidy(cls, catalogue: Any, run: str, step: str, folders: Any) -> None:
        """Remove what was kept on the way."""
        forget_item_files(catalogue, run, step, folders)
