"""Write the pages: python -m docs.reference."""

from docs.reference import FOLDER, pages

for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
