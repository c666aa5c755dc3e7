"""How the pages are made: Markdown and mathematics, generated pages, executed examples, checked links."""
