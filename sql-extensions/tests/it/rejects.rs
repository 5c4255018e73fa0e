use sql_extensions::StreamingSqlParser;
#[test]
fn print() {
    let all: Vec<String> = std::fs::read_to_string("/tmp/flat.json")
        .unwrap()
        .split('\0')
        .map(|sql| match StreamingSqlParser::new().parse(&sql) {
            Ok(s) => format!("!!!!! OK {s}"),
            Err(e) => e.render("q.sql", &sql),
        })
        .collect();
    std::fs::write("/tmp/out.json", all.join("\0")).unwrap();
}
