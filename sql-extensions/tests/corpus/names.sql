SELECT "Mixed Case", "with ""quotes"" in", `back tick`, été, _x, t."from" FROM "My Table" t
