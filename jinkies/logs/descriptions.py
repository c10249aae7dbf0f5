"""botocore's descriptions of services, loaded with less work: half of what opening a client costs."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader


class _Files(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Decodes with msgspec; dicts keep their order since botocore was written."""

    def load_file(self, file_path: str) -> Any:  # whatever the file holds
        """The JSON of ``<file_path>.json`` or ``.json.gz``; None where there is neither."""
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return msgspec.json.decode(plain.read_bytes())
        if packed.is_file():
            return msgspec.json.decode(gzip.decompress(packed.read_bytes()))
        return None


class _Every(list[str]):
    """Stands for the names of all services: whoever wants one looks for its description anyway."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


class Descriptions(Loader):  # type: ignore[misc]  # botocore has no types
    """A session's ``data_loader`` component that doesn't list 800 folders to see whether CloudWatch Logs is in one.

    Args:
        usual: the session's own: where descriptions are looked for, ``AWS_DATA_PATH`` included.
    """

    def __init__(self, usual: Any) -> None:  # botocore has no types
        super().__init__(
            extra_search_paths=list(usual.search_paths), file_loader=_Files(), include_default_search_paths=False
        )

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's own signature
        """Any name is in it; one that has no description is ``UnknownServiceError``'s cause later on."""
        return _Every()
