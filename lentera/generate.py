"""`make generate`: writes the documents that are derived from code."""

import json
from pathlib import Path

from cloud.app import openapi_document
from lentera.docs.mqtt_reference import mqtt_reference
from lentera.docs.register_map import register_map

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write every generated document; the same code gives the same bytes."""
    documents = {
        ROOT / "docs" / "mqtt.md": mqtt_reference(),
        ROOT / "docs" / "register-map.md": register_map(),
        ROOT / "dashboards/web/src/api/generated/openapi.json": json.dumps(openapi_document(), indent=1)
        + "\n",
    }
    for path, text in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
