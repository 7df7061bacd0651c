"""RCD_Difference_Folder_Inner: the distances between all structures of a pool by their RCD descriptors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.descriptors import RelativeCoordinates, rcd_difference_rows
from genarris_fw.descriptors.matrix_file import Matrix
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.base import Campaign, Distances, Outcome, explicit_serialize
from genarris_fw.procedures.kit.strips import MakesMatrix, join_strips, row_blocks, strip_done, strip_items
from genarris_fw.procedures.options.rcd_difference_folder_inner import RCDDifferenceFolderInnerOptions

Step = Campaign[RCDDifferenceFolderInnerOptions]

STRIP_PAIRS = 1 << 20  # some seconds


@explicit_serialize
class RCDDifferenceFolderInner(MakesMatrix[RCDDifferenceFolderInnerOptions]):
    """Compare all structures of a pool; the pool stays as it is and gets a distance matrix."""

    _descriptors_of_pool: list[RelativeCoordinates] | None = None  # loaded once by a replica

    def plan(self, campaign: Step) -> list[Item]:
        """Return the strips of the matrix; the first rows are computed here, so that bad options are told at once."""
        ids = campaign.pool_ids()
        self._rows(campaign, 0, 0)
        return strip_items(campaign, Path(campaign.options.diff_matrix_output), ids, STRIP_PAIRS)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Compute a strip."""
        rows = self._rows(campaign, item.payload["first"], item.payload["last"])
        return strip_done(campaign, Path(campaign.options.diff_matrix_output), item, rows)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Join the strips."""
        options, ids = campaign.options, campaign.pool_ids()
        join_strips(
            campaign,
            Path(options.diff_matrix_output),
            ids,
            lambda first, last: self._rows(campaign, first, last),
            name=f"{campaign.step}.distances",
            run=campaign.run,
            step=campaign.step,
            **{name: getattr(options, name) for name in ("contribution_ratio", "select_pairs", "disable_enantiomer")},
        )
        return {"structures": len(ids)}

    def distances(self, campaign: Step) -> Distances | None:
        """Compute the matrix anew."""
        ids = campaign.pool_ids()
        blocks = row_blocks(len(ids), lambda first, last: self._rows(campaign, first, last))
        return Distances(Path(campaign.options.diff_matrix_output), ids, blocks())

    def _descriptors(self, campaign: Step) -> list[RelativeCoordinates]:
        if self._descriptors_of_pool is None:
            ids, name = campaign.pool_ids(), campaign.options.property_name
            plain = dict(zip(ids, campaign.properties(ids, name)))
            without = [struct for struct, one in plain.items() if not isinstance(one, dict)]
            if without:
                raise RunFailed(
                    f"{campaign.step}: {len(without)} of {len(ids)} structures lack the descriptor '{name}' (first "
                    f"{without[0]}): run RCD_Calculation on this pool, or name another property_name"
                )
            self._descriptors_of_pool = [RelativeCoordinates.from_plain(one, struct) for struct, one in plain.items()]
        return self._descriptors_of_pool

    def _rows(self, campaign: Step, first: int, last: int) -> Matrix:
        options = campaign.options
        return rcd_difference_rows(
            self._descriptors(campaign),
            first,
            last,
            options.contribution_ratio,
            options.select_pairs,
            options.disable_enantiomer,
        )
