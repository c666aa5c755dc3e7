"""Make docs/images/report.png: the top of the demo's report, drawn by headless Chromium, in few enough colours.

    python docs/picture.py

Needs `chromium` on the path and Pillow. The audit is that of `holdfast demo`; it takes about a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

import holdfast
from holdfast.datasets import heart_disease

OUT = Path(__file__).parent / "images" / "report.png"
SIZE = (1280, 1130)  # drawn with one and a half times as many pixels
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--force-device-scale-factor=1.5",
)


def main() -> None:
    """Audit, draw, reduce the colours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in heart_disease():
            shutil.copy(path, folder)
        os.chdir(folder)  # short file names in the picture
        page = holdfast.audit("train.csv", "test.csv", target="disease", roles={"hospital": "group"}).save(folder)
        drawn = folder / "drawn.png"
        size = f"--window-size={SIZE[0]},{SIZE[1]}"
        command = [
            "chromium",
            *QUIET,
            f"--user-data-dir={folder / 'profile'}",
            size,
            f"--screenshot={drawn}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
