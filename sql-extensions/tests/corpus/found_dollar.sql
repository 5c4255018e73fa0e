SELECT $$a # 'b$$, $t$x$t$ FROM t WHERE x = $2$2
