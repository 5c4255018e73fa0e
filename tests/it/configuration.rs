//! The same job written in several ways, and files of settings.

use crate::velo::Folder;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("orders.csv", "id;name\n1;a\n2;b\n");
    folder
}

/// The settings of a script, by key, without their origins.
fn effective(folder: &Folder, script: &str, variables: &[(&str, &str)]) -> serde_json::Value {
    folder.write("s.sql", script);
    let ran = folder.run_with(&["explain", "s.sql", "--format", "json"], variables, b"").expect(0);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let settings = json[0]["settings"].as_array().unwrap();
    settings.iter().map(|setting| (setting["key"].as_str().unwrap().to_owned(), setting["value"].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn inline_yaml_variables_prefixes_and_aliases_mean_the_same() {
    let folder = folder();
    folder.write("orders.yaml", "# settings\ntype: file_source\npath: orders.csv\nformat: csv\ndelimiter: \";\"\nbatch:\n  size: 500\n");
    let inline = effective(
        &folder,
        "SELECT * FROM orders WITH ('orders.type'='file_source','orders.path'='orders.csv','orders.format'='csv','orders.delimiter'=';','orders.batch.size'='500')",
        &[],
    );
    for (script, variables) in [
        ("SELECT * FROM orders WITH ('orders.config_file'='orders.yaml')", vec![]),
        (
            "SELECT * FROM orders WITH ('orders.type'='file','orders.source.path'='orders.csv','orders.source.format'='csv','orders.delimiter'=';','orders.max_batch_size'='500')",
            vec![],
        ),
        (
            "SELECT * FROM orders WITH ('orders.type'='file','orders.path'='${NAME}.csv','orders.value.format'='csv','orders.delimiter'='${SEP:-;}','orders.batch_size'='500')",
            vec![("NAME", "orders")],
        ),
        // What is set inline counts more than the file, so its variable need not exist.
        ("SELECT * FROM orders WITH ('orders.config_file'='orders.yaml','orders.delimiter'=';')", vec![]),
    ] {
        assert_eq!(effective(&folder, script, &variables), inline, "{script}");
    }
}

#[test]
fn a_value_from_the_environment_is_known_as_such() {
    let folder = folder();
    folder.write("s.sql", "SELECT * FROM orders WITH ('orders.type'='file','orders.path'='${NAME}.${SUFFIX:-csv}','orders.batch.size'='${SIZE}')");
    let ran = folder.run_with(&["explain", "s.sql"], &[("NAME", "orders"), ("SIZE", "5")], b"").expect(0);
    assert!(ran.out.contains("orders.path = orders.csv (s.sql:1:49, with ${NAME}) ·"), "{}", ran.out);
    let wrong = folder.run_with(&["explain", "s.sql"], &[("NAME", "orders"), ("SIZE", "many")], b"").expect(2);
    assert!(wrong.err.contains("the value comes from ${SIZE}"), "{}", wrong.err);
}

#[test]
fn precedence_is_command_line_inline_file_environment() {
    let folder = folder();
    folder.write("orders.yaml", "path: ${NOT_SET}.csv\ndelimiter: \",\"\n");
    let script = "SELECT * FROM orders WITH ('orders.type'='file','orders.config_file'='orders.yaml','orders.path'='orders.csv','orders.delimiter'=';')";
    let settings = effective(&folder, script, &[("VELO_BATCH_TIMEOUT_MS", "1234")]);
    assert_eq!(
        (settings["orders.path"].as_str(), settings["orders.delimiter"].as_str(), settings["batch.timeout"].as_str()),
        (Some("orders.csv"), Some(";"), Some("1234"))
    );
    let ran = folder.run(&["--quiet", "--sql", script, "--set", "orders.delimiter=,"]).expect(0);
    assert_eq!(ran.out, "{\"id;name\":\"1;a\"}\n{\"id;name\":\"2;b\"}\n");
}

#[test]
fn faults_in_files_name_file_and_line() {
    let folder = folder();
    let refused = |yaml: &str| {
        folder.write("o.yaml", yaml);
        folder.run(&["--sql", "SELECT * FROM orders WITH ('orders.type'='file','orders.config_file'='o.yaml')"]).expect(2).err
    };
    assert!(refused("path: orders.csv\ndelimitr: x\n").contains("o.yaml:2: unknown key 'orders.delimitr'"));
    assert!(refused("path: orders.csv\nfollow: 7\n").contains("o.yaml:2: 'orders.follow' = '7' is not a boolean"));
    assert!(refused("path: [1\n").contains("o.yaml:"));
    assert!(refused("path: orders.csv\nformat: ${NOPE}\n").contains("NOPE"));
}

#[test]
fn a_schema_may_be_a_file() {
    let folder = folder();
    folder.write("a.sql", "CREATE TABLE orders (id BIGINT, name VARCHAR);");
    folder.write("a.avsc", r#"{"type":"record","name":"o","fields":[{"name":"id","type":"long"},{"name":"name","type":["null","string"]}]}"#);
    for file in ["a.sql", "a.avsc"] {
        let sql = format!(
            "SELECT id + 1 AS n, name FROM orders WITH ('orders.type'='file','orders.path'='orders.csv','orders.delimiter'=';','orders.schema_file'='{file}')"
        );
        assert_eq!(folder.run(&["--quiet", "--sql", &sql]).expect(0).out, "{\"n\":2,\"name\":\"a\"}\n{\"n\":3,\"name\":\"b\"}\n", "{file}");
    }
}

#[test]
fn transactions_that_can_not_be_given_are_told_once() {
    let folder = folder();
    let ran = folder
        .run(&[
            "--sql",
            "SELECT * FROM orders INTO o WITH ('use_transactions'='true','orders.type'='file','orders.path'='orders.csv','o.type'='file','o.path'='o.csv')",
        ])
        .expect(0);
    assert_eq!(ran.err.matches("asks for transactions, but sink 'o' has none").count(), 1, "{}", ran.err);
}

#[test]
fn a_key_that_is_set_twice_is_told_and_the_later_counts() {
    let folder = folder();
    let ran = folder
        .run(&["--sql", "SELECT * FROM orders WITH ('orders.type'='file','orders.path'='x.csv','orders.path'='orders.csv','orders.delimiter'=';')"])
        .expect(0);
    assert!(ran.err.contains("'orders.path' is set twice") && ran.out.contains("\"name\":\"b\""), "{}", ran.err);
}
