"""`python -m tools.backgrounds FOLDER` fills a folder with backgrounds and their credits."""

import sys
from pathlib import Path

import cv2

from tools.backgrounds.packages import PACKAGES, files_of
from tools.backgrounds.pictures import pictures
from tools.backgrounds.table import Credit, credits_page, read_table

QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


def main(folder: Path) -> None:
    """Grey JPEG pictures, those that only test in `held_out`, and CREDITS.md.

    Raises:
        FileExistsError: the folder is there already.
    """
    if folder.exists():
        raise FileExistsError(f"'{folder}' is there already; pictures go into a new folder.")
    (folder / "held_out").mkdir(parents=True)
    rows = read_table()
    for package in PACKAGES:
        mine = [row for row in rows if row.package == package.name]
        files = files_of(package, [row.path for row in mine])
        count = sum(write(row, files[row.path], folder) for row in mine)
        print(f"{package.name} {package.version}: {count} pictures")
    (folder / "CREDITS.md").write_text(credits_page(rows), encoding="utf-8")


def write(row: Credit, content: bytes, folder: Path) -> int:
    """The pictures of one file, into the folder; how many they are."""
    images = list(pictures(row.path, content))
    for number, image in enumerate(images):
        name = row.name if len(images) == 1 else f"{row.name}-{number:02}"
        file = (folder / "held_out" if row.held_out else folder) / f"{name}.jpg"
        if not cv2.imwrite(str(file), image, QUALITY):
            raise OSError(f"'{file}' cannot be written.")
    return len(images)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
