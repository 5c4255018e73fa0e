SELECT '', '''', 'a''b', '\', 'a\''b', N'x', E'tab\t\'q', 'größe 日本 🦀' FROM t
