SELECT * FROM t AS s PIVOT(sum(a) FOR b IN ('x', 'y')) 'b\''c'
