use sql_extensions::StreamingSqlParser;
#[test]
fn print() {
    for sql in include_str!("/tmp/rejects.txt").split("\n====\n") {
        let sql = sql.trim_end_matches('\n').replace("<TAB>", "\t").replace("<CR>", "\r");
        println!("SQL {sql:?}");
        match StreamingSqlParser::new().parse(&sql) {
            Ok(s) => println!("!!!!! OK {s}"),
            Err(e) => println!("{}\n", e.render("q.sql", &sql)),
        }
    }
}
