"""SevenNet-0, an equivariant network trained on PBE energies of inorganic solids, with dispersion by D3(BJ).

Y. Park, J. Kim, S. Hwang and S. Han, J. Chem. Theory Comput. 20, 4857 (2024); S. Grimme, S. Ehrlich and L. Goerigk,
J. Comput. Chem. 32, 1456 (2011). The training set has little dispersion in it, as PBE has; D3 with PBE's parameters,
of pairs alone, makes molecular crystals' volumes right within some per cent.
"""

from __future__ import annotations

import importlib
from typing import Any

from ase.calculators.mixing import SumCalculator

from genarris_fw.engines.ase.packaged_model import PackagedModel
from genarris_fw.engines.sevennet.settings import SevenNetSettings

DISPERSION = {"method": "PBE", "damping": "d3bj"}


class SevenNetEngine(PackagedModel):
    """SevenNet-0 with D3(BJ).

    Parameters
    ----------
    **settings
        The fields of `SevenNetSettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where a package is not installed.
    InputError
        For an unknown setting or a wrong value.
    """

    name = "sevennet"
    title = "SevenNet"
    model = SevenNetSettings
    options: SevenNetSettings
    second_opinion = 1
    packages = (("sevenn", "sevenn"), ("dftd3", "dftd3"))
    precision = "float32"

    @property
    def method(self) -> str:
        """The model and the dispersion."""
        return f"SevenNet-0 ({self.options.weights}) + D3(BJ)-PBE"

    def load(self) -> Any:
        """Return the sum of the two calculators."""
        network = importlib.import_module("sevenn.calculator").SevenNetCalculator
        model = network(f"7net-0_{self.options.weights}", device="cpu")
        return SumCalculator([model, importlib.import_module("dftd3.ase").DFTD3(**DISPERSION)])

    def elements(self) -> set[int]:
        """Return the atomic numbers of the network's embedding."""
        return set(self.calculator.mixer.calcs[0].type_map)
