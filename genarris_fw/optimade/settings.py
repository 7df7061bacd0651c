"""How the library is told what to serve: by settings made here, not by its files and variables of the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimade.server.config import ServerConfig, SupportedBackend

from genarris_fw.version import __version__

PREFIX, PROVIDER = "gfw", "genarris_fw"
PAGE, MOST_PAGE = 20, 500
_SPDX = "https://spdx.org/licenses/"
_COUNTING = 2.0  # seconds, after which a page does not say how many structures there are in all


@dataclass(frozen=True)
class Provider:
    """Who serves, as clients are told.

    Attributes
    ----------
    prefix : str
        Of our own properties: ``gfw`` in ``_gfw_density``.
    name : str
    base_url : str or None
        Where clients find the server, if that is not where they asked.
    license : str or None
        Of the data: an identifier of SPDX, or a URL.
    """

    prefix: str = PREFIX
    name: str = PROVIDER
    base_url: str | None = None
    license: str | None = None

    @property
    def license_url(self) -> str | None:
        """Where the licence is to be read."""
        return self.license if self.license is None or "://" in self.license else _SPDX + self.license


class Settings(ServerConfig):
    """The library's settings, which come from here alone."""

    @classmethod
    def settings_customise_sources(cls, settings_cls: Any, init_settings: Any, *others: Any, **more: Any) -> Any:
        """Return the one source: what is passed."""
        return (init_settings,)

    @classmethod
    def check_license_info(cls, value: Any) -> Any:
        """Take a licence as it is; the library would look for it on the network."""
        return value


def settings(provider: Provider, fields: Sequence[Mapping[str, str]]) -> Settings:
    """Return the library's settings.

    Parameters
    ----------
    provider : Provider
        Who serves.
    fields : sequence of mapping
        `genarris_fw.optimade.properties.provider_fields`.
    """
    about = {
        "prefix": provider.prefix,
        "name": provider.name,
        "description": "Molecular crystal structures predicted with genarris_fw",
    }
    return Settings(
        provider=about,
        implementation={"name": "genarris_fw", "version": __version__},
        base_url=provider.base_url,
        license=provider.license_url,
        provider_fields={"structures": fields},
        database_backend=SupportedBackend.MONGOMOCK,  # of links and references, which are few; structures are ours
        insert_test_data=False,
        validate_api_response=False,
        page_limit=PAGE,
        page_limit_max=MOST_PAGE,
        mongo_count_timeout=_COUNTING,
    )
