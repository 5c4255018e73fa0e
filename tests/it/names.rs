//! Names: what is right runs whatever its case; what is wrong is told all at once, at its place, and nothing else is told.

use std::time::{Duration, Instant};

use crate::velo::Folder;

const WITH: &str = "WITH ('orders.type'='file','orders.path'='orders.jsonl','customers.type'='file','customers.path'='customers.csv','execution.mode'='batch')";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("orders.jsonl", "{\"order_id\":1,\"customer_id\":10,\"amount\":5.5,\"region\":\"eu\",\"tags\":[\"x\",\"y\"]}\n");
    folder.write("customers.csv", "customer_id,name\n10,Ann\n");
    folder
}

/// Runs a query, with the settings of the sources that it reads.
fn run(folder: &Folder, query: &str) -> crate::velo::Ran {
    let with = if query.contains("customers") { WITH.to_owned() } else { WITH.replace("'customers.type'='file','customers.path'='customers.csv',", "") };
    folder.run(&["--quiet", "--sql", &format!("{query} {with}")])
}

#[test]
fn what_is_right_runs() {
    let folder = folder();
    for (query, row) in [
        ("SELECT (TAGS || ['q'])[1] AS x FROM orders", r#"{"x":"x"}"#),
        ("SELECT o.ORDER_ID, u.i FROM orders o CROSS JOIN UNNEST([7]) AS u(i)", r#"{"order_id":1,"i":7}"#),
        ("WITH a AS (SELECT * EXCLUDE (region) FROM orders) SELECT ORDER_ID FROM a", r#"{"order_id":1}"#),
        ("SELECT g.VALUE, ORDER_ID FROM orders, generate_series(3,3) AS g(value)", r#"{"value":3,"order_id":1}"#),
        ("SELECT x.ORDER_ID FROM (orders o JOIN customers c ON o.customer_id = c.customer_id) x", r#"{"order_id":1}"#),
        ("SELECT ORDER_ID FROM public.orders", r#"{"order_id":1}"#),
        ("SELECT * EXCLUDE (TAGS, region) REPLACE (AMOUNT * 2 AS Amount) FROM orders", r#"{"order_id":1,"customer_id":10,"amount":11.0}"#),
        ("SELECT order_id FROM orders a JOIN orders b USING (order_id) JOIN orders c USING (order_id)", r#"{"order_id":1}"#),
        ("SELECT name FROM orders JOIN customers USING (customer_id) WHERE customer_id > 5", r#"{"name":"Ann"}"#),
        ("WITH RECURSIVE r(a, b) AS (SELECT 1, 2 UNION ALL SELECT A + 1, b FROM r WHERE a < 2) SELECT sum(a) AS s FROM r, orders", r#"{"s":3}"#),
        ("SELECT NAME FROM customers UNION ALL BY NAME SELECT 'x' AS name FROM orders WHERE false", r#"{"name":"Ann"}"#),
    ] {
        assert_eq!(run(&folder, query).expect(0).out.trim_end(), row, "{query}");
    }
}

#[test]
fn what_is_wrong_is_told_at_once_and_nothing_else() {
    let folder = folder();
    for (query, told) in [
        (
            "SELECT ordr_id, boom(1) FROM orders WHERE bite_length(region) > 1",
            &["column 'ordr_id' not found", "unknown function 'boom'", "unknown function 'bite_length'"][..],
        ),
        ("SELECT (wrong || ['q'])[1] AS x, amnt FROM orders", &["column 'wrong' not found", "column 'amnt' not found"]),
        ("SELECT o.wrong, u.i, o.more FROM orders o CROSS JOIN UNNEST([1]) AS u(i)", &["column 'wrong' not found in 'o'", "column 'more' not found in 'o'"]),
        ("SELECT * REPLACE (1 AS wrong) FROM orders", &["column 'wrong' not found"]),
        ("SELECT regon, count(*) FROM orders GROUP BY regon ORDER BY regon", &["column 'regon' not found"; 3]),
        ("WITH c AS (SELECT o.amnt, ordr_id FROM orders o) SELECT amount, order_id FROM c", &["column 'amnt' not found in 'o'", "column 'ordr_id' not found"]),
        (
            "SELECT customer_id, wrong FROM orders o JOIN customers c ON o.customer_id = c.customer_id WHERE EXISTS (SELECT * FROM customers a, customers b)",
            &["column 'customer_id' is in more than one table", "column 'wrong' not found"],
        ),
        ("SELECT 1 AS x FROM orders, UNNEST(wrong) u", &["column 'wrong' not found"]),
        (
            "SELECT amount AS x FROM orders LIMIT amount OFFSET region",
            &["LIMIT and OFFSET take a number, not the column 'amount'", "LIMIT and OFFSET take a number, not the column 'region'"],
        ),
        ("SELECT lag(amount) AS x FROM orders", &["'lag' looks at other rows and needs OVER"]),
        ("SELECT abs(region) AS x FROM orders", &["abs() can't take (VARCHAR)"]),
        ("SELECT coalesce(region, tags) AS x FROM orders", &["coalesce() can't take (VARCHAR, ARRAY<VARCHAR>)"]),
        ("SELECT order_id FROM orders WHERE row_number() OVER () = 1", &["a function with OVER can't stand here"]),
        ("SELECT order_id, sum(0.5) AS x FROM orders", &["column 'orders.order_id' must be in GROUP BY or in an aggregate function"]),
    ] {
        let err = run(&folder, query).expect(2).err;
        let errors: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix("Error: ")).collect();
        assert_eq!(errors, told, "{query}: {err}");
    }
}

#[test]
fn a_thousand_wrong_names_take_no_longer_than_they_can_be_read() {
    let folder = Folder::new();
    let columns = |name: &str, with: &dyn Fn(String) -> String| (0..1000).map(|number| with(format!("{name}_{number}"))).collect::<Vec<_>>().join(",");
    folder.write("orders.jsonl", format!("{{{}}}\n", columns("column_name", &|name| format!("\"{name}\":1"))));
    for (name, status) in [("COLUMN_NAME", 0), ("colum_name", 2)] {
        let began = Instant::now();
        let ran = run(&folder, &format!("SELECT {} FROM orders", columns(name, &|name| name))).expect(status);
        assert!(began.elapsed() < Duration::from_secs(20), "{name}: {:?}", began.elapsed());
        assert!(status == 0 || ran.err.contains("980 more names of this statement are wrong"), "{}", ran.err);
        assert!(ran.err.len() < 20_000, "{}", ran.err.len());
    }
    let long = run(&folder, &format!("SELECT {} FROM orders", "w".repeat(100_000))).expect(2);
    assert!(long.err.len() < 5_000, "{}", long.err.len());
}
