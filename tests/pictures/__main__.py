"""`make pictures`: write docs/pictures from the current program."""

from __future__ import annotations

import asyncio

from tests.pictures.scenes import ANIMATION, FOLDER, TITLE, VIEWS, incident_scenes, still_pictures
from tests.pictures.svg import animation


async def main() -> None:
    made = {ANIMATION: animation(await incident_scenes(), TITLE)}
    for view in VIEWS:
        made.update([pair async for pair in still_pictures(view)])
    FOLDER.mkdir(exist_ok=True)
    for old in set(FOLDER.glob("*.svg")) - {FOLDER / name for name in made}:
        old.unlink()
    for name, content in made.items():
        (FOLDER / name).write_text(content, "utf-8")
        print(f"{name:<28} {len(content.encode()) / 1000:6.1f} kB")


if __name__ == "__main__":
    asyncio.run(main())
