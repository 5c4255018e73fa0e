//! Whole statements, as people write them, and the counts that the analysis gives.

use sql_extensions::{QueryAnalysis, QueryAnalyzer, StreamStatement, StreamingSqlParser};

pub(crate) fn parse(sql: &str) -> StreamStatement {
    StreamingSqlParser::new().parse(sql).unwrap_or_else(|error| panic!("{}", error.render("test", sql)))
}

pub(crate) fn analyze(sql: &str) -> QueryAnalysis {
    QueryAnalyzer::new("group".to_owned()).analyze(&parse(sql)).expect("any statement can be analysed")
}

pub(crate) fn sources(sql: &str) -> Vec<String> {
    analyze(sql).required_sources.into_iter().map(|source| source.name).collect()
}

pub(crate) fn sinks(sql: &str) -> Vec<String> {
    analyze(sql).required_sinks.into_iter().map(|sink| sink.name).collect()
}

pub(crate) fn joins(sql: &str) -> Vec<String> {
    analyze(sql).joins.into_iter().map(|join| format!("{} {} {}", join.left, join.kind, join.right)).collect()
}

pub(crate) fn columns(sql: &str) -> Vec<String> {
    let name = |column: sql_extensions::ColumnRef| column.relation.map_or_else(|| column.name.clone(), |relation| format!("{relation}.{}", column.name));
    analyze(sql).referenced_columns.into_iter().map(name).collect()
}

/// What is expected of a statement.
struct Whole {
    sql: &'static str,
    sources: &'static [&'static str],
    sinks: &'static [&'static str],
    joins: &'static [&'static str],
    within: &'static [&'static str],
    settings: usize,
}

const PLAIN: Whole = Whole { sql: "", sources: &[], sinks: &[], joins: &[], within: &[], settings: 0 };

/// One of each combination of clauses.
const WHOLES: [Whole; 24] = [
    Whole {
        sql: "SELECT v.visit_id, v.page, g.region FROM visits v JOIN geo_file g ON v.ip = g.ip",
        sources: &["visits", "geo_file"],
        joins: &["v INNER g"],
        ..PLAIN
    },
    Whole {
        sql: "SELECT calls.call_id, tickets.ticket_id, tickets.state FROM calls\nINNER JOIN tickets ON calls.call_id = tickets.call_id\nWITHIN INTERVAL '15' MINUTES",
        sources: &["calls", "tickets"],
        joins: &["calls INNER tickets"],
        within: &["INTERVAL '15' MINUTES"],
        ..PLAIN
    },
    Whole {
        sql: "SELECT rides.id, drivers.rating, zones.fee FROM ride_stream rides JOIN driver_db drivers ON rides.driver = drivers.id
              JOIN zone_files zones ON rides.zone_id = zones.zone_id WHERE rides.km > 12",
        sources: &["ride_stream", "driver_db", "zone_files"],
        joins: &["rides INNER drivers", "drivers INNER zones"],
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM long_rides AS\nSELECT * FROM rides WHERE km > 30\nINTO ride_topic\nWITH (\n  'ride_topic.brokers' = 'b:9092',\n  'ride_topic.topic' = 'long'\n);",
        sources: &["rides"],
        sinks: &["ride_topic"],
        settings: 2,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM kept AS SELECT id, km FROM long_rides INTO ride_file WITH ('ride_file.path' = 'out/{date}.csv', 'ride_file.append' = 'true');",
        sources: &["long_rides"],
        sinks: &["ride_file"],
        settings: 2,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM everywhere AS SELECT id, tip, CURRENT_TIMESTAMP as seen_at FROM tips INTO tip_topic, tip_file, tip_lake
              WITH ('tip_topic.topic' = 'tips', 'tip_file.path' = 'tips.json', 'tip_lake.prefix' = 'y={year}/m={month}/');",
        sources: &["tips"],
        sinks: &["tip_topic", "tip_file", "tip_lake"],
        settings: 3,
        ..PLAIN
    },
    Whole {
        sql: "SELECT b.id, g.name, b.nights * r.rate as total FROM bookings b INNER JOIN guests g ON b.guest = g.guest
              INNER JOIN rooms r ON b.room = r.room WHERE b.arrival >= '2031-06-01';",
        sources: &["bookings", "guests", "rooms"],
        joins: &["b INNER g", "g INNER r"],
        ..PLAIN
    },
    Whole {
        sql: "-- every booking\nSELECT b.id, COALESCE(g.name, 'nobody') as guest FROM bookings b LEFT JOIN guests g ON b.guest = g.guest;",
        sources: &["bookings", "guests"],
        joins: &["b LEFT g"],
        ..PLAIN
    },
    Whole {
        sql: "-- both sides\nSELECT COALESCE(b.guest, g.guest) as guest, b.id FROM bookings b FULL OUTER JOIN guests g ON b.guest = g.guest;",
        sources: &["bookings", "guests"],
        joins: &["b FULL g"],
        ..PLAIN
    },
    Whole {
        sql: "SELECT tap.card, gate.station FROM card_taps tap INNER JOIN gate_openings gate ON tap.card = gate.card
              WITHIN INTERVAL '20' SECONDS WHERE tap.kind = 'exit';",
        sources: &["card_taps", "gate_openings"],
        joins: &["tap INNER gate"],
        within: &["INTERVAL '20' SECONDS"],
        ..PLAIN
    },
    Whole { sql: "CREATE STREAM copies AS\nSELECT * FROM originals\nINTO first, second, third;", sources: &["originals"], sinks: &["first", "second", "third"], ..PLAIN },
    Whole {
        sql: "CREATE STREAM typed AS  \nSELECT a,\n b,\n properties\nFROM raw\nINTO kafka_sink, file_sink\nWITH (\n    -- the broker\n    'kafka_sink.type' = 'kafka_sink',
    'kafka_sink.servers' = 'h1:1,h2:2',\n    \n    -- the file  \n    'file_sink.type' = 'file_sink'\n);",
        sources: &["raw"],
        sinks: &["kafka_sink", "file_sink"],
        settings: 3,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM careful AS SELECT * FROM feed WITH ('feed.failure_strategy' = 'FailBatch', 'feed.max_retries' = '2');",
        sources: &["feed"],
        settings: 2,
        ..PLAIN
    },
    Whole {
        sql: "SELECT * FROM feed WITH ('feed.type' = 'kafka',          -- ✅ short\n 'feed.topic' = 'f');",
        sources: &["feed"],
        settings: 2,
        ..PLAIN
    },
    Whole { sql: "SELECT * FROM feed WITH ('feed.type' = 'kafka_source');", sources: &["feed"], settings: 1, ..PLAIN },
    Whole {
        sql: "SELECT * FROM lines\nINTO topic_out\nWITH ('lines.type' = 'file_source',   -- ✅ where from\n\n 'topic_out.type' = 'kafka_sink' -- where to\n);",
        sources: &["lines"],
        sinks: &["topic_out"],
        settings: 2,
        ..PLAIN
    },
    Whole {
        sql: "SELECT parcels.id, depot.city FROM parcels JOIN depot ON parcels.depot_id = depot.id INTO sent, logged
              WITH ('parcels.config_file' = './c/parcels.yaml', 'depot.config_file' = './c/depot.yaml', 'sent.type' = 'kafka_sink', 'logged.type' = 'file_sink');",
        sources: &["parcels", "depot"],
        sinks: &["sent", "logged"],
        joins: &["parcels INNER depot"],
        settings: 4,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM priced AS SELECT p.id, d.city, t.price * p.kg as cost, CURRENT_TIMESTAMP as at FROM parcel_source p
              JOIN depot_source d ON p.depot = d.id JOIN tariff_source t ON p.class = t.id WHERE p.kg > 1 INTO a_sink, b_sink, c_sink WITH ('a_sink.type' = 'x');",
        sources: &["parcel_source", "depot_source", "tariff_source"],
        sinks: &["a_sink", "b_sink", "c_sink"],
        joins: &["p INNER d", "d INNER t"],
        settings: 1,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM alarms AS SELECT s.id, CASE WHEN s.level > l.high THEN 'OVER' WHEN s.level < l.low THEN 'UNDER' ELSE 'FINE' END as verdict
              FROM levels s JOIN limits l ON s.id = l.id INTO pager WITH ('pager.topic' = 'p',  # instead of the file's\n 'batch.size' = '5'  # few\n);",
        sources: &["levels", "limits"],
        sinks: &["pager"],
        joins: &["s INNER l"],
        settings: 2,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM pairs AS SELECT a.id, b.note FROM left_source a, right_source b  \nINTO pair_sink WITH ('left_source.config_file' = './c/${STAGE:-dev}_left.yaml');",
        sources: &["left_source", "right_source"],
        sinks: &["pair_sink"],
        settings: 1,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM risky AS SELECT t.id, CASE WHEN (t.sum > 500 AND w.place != c.home) THEN 'STOP' WHEN (c.score > 0.7 OR m.level = 'HIGH') THEN 'LOOK' ELSE 'GO' END as todo
              FROM payments t INNER JOIN clients c ON t.client = c.id INNER JOIN shops m ON t.shop = m.id LEFT JOIN whereabouts w ON t.client = w.person
              WITHIN INTERVAL '3' MINUTES WHERE t.sum > 0 INTO stops, book WITH ('use_transactions' = 'true', 'whereabouts.auth_token' = '${TOKEN}');",
        sources: &["payments", "clients", "shops", "whereabouts"],
        sinks: &["stops", "book"],
        joins: &["t INNER c", "c INNER m", "m LEFT w"],
        within: &["INTERVAL '3' MINUTES"],
        settings: 2,
    },
    Whole {
        sql: "CREATE STREAM odd AS SELECT e.id, e.timestamp, -- scaled\n (e.heat - 15) / 5.0 as heat_score,
              CASE WHEN ABS(e.heat - LAG(e.heat, 1) OVER (PARTITION BY e.id ORDER BY e.timestamp)) > 4 THEN 'JUMP' ELSE 'CALM' END as kind
              FROM heat e INNER JOIN wind f\n ON e.id = f.id LEFT JOIN rain g\n ON e.id = g.id WITHIN INTERVAL '1' HOUR WHERE e.heat IS NOT NULL INTO board WITH ('board.x' = 'Bearer ${T}');",
        sources: &["heat", "wind", "rain"],
        sinks: &["board"],
        joins: &["e INNER f", "f LEFT g"],
        within: &["INTERVAL '1' HOURS"],
        settings: 1,
    },
    Whole {
        sql: "-- SQL Application: Nightly\nCREATE STREAM taxed AS SELECT i.id, i.net * CASE WHEN i.kind = 'book' THEN 1.07 -- reduced\n ELSE 1.19 END as gross FROM invoices i
              LEFT JOIN buyers b ON i.buyer = b.id WHERE i.net > 0 AND i.state = 'OPEN' INTO ledger WITH ('ledger.linger.ms' = '20', -- wait\n 'use_transactions' = 'false' -- no\n);",
        sources: &["invoices", "buyers"],
        sinks: &["ledger"],
        joins: &["i LEFT b"],
        settings: 2,
        ..PLAIN
    },
    Whole {
        sql: "CREATE STREAM large AS SELECT doc.id, BYTE_LENGTH(doc.body) as size, 'NEW' as tag FROM documents doc WHERE BYTE_LENGTH(doc.body) < 4096 -- small ones
              AND doc.lang IN ('de', 'fr') INTO store WITH ('batch.strategy' = 'memory_based', 'store.path' = '/d/{hour}/{batch_id}');",
        sources: &["documents"],
        sinks: &["store"],
        settings: 2,
        ..PLAIN
    },
];

#[test]
fn whole_statements_parse_and_their_parts_are_found() {
    for whole in WHOLES {
        let statement = parse(whole.sql);
        assert_eq!(sources(whole.sql), whole.sources, "{}", whole.sql);
        assert_eq!(sinks(whole.sql), whole.sinks, "{}", whole.sql);
        assert_eq!(joins(whole.sql), whole.joins, "{}", whole.sql);
        let within: Vec<String> = statement.within.iter().map(|clause| clause.interval.to_string()).collect();
        assert_eq!(within, whole.within, "{}", whole.sql);
        assert_eq!(statement.with.len(), whole.settings, "{}", whole.sql);
        assert_eq!(statement.name.is_some(), whole.sql.contains("CREATE STREAM"), "{}", whole.sql);
    }
}

#[test]
fn statements_of_a_script_are_separate_and_keep_their_places() {
    let script = "-- SQL Application: Three\nSELECT a FROM t;\n\nCREATE STREAM s AS SELECT b FROM t INTO x;;\n  SELECT c FROM u";
    let statements = StreamingSqlParser::new().parse_script(script).expect("a good script");
    let starts: Vec<(u64, u64)> = statements.iter().map(|statement| (statement.span.start.line, statement.span.start.column)).collect();
    assert_eq!(starts, [(2, 1), (4, 1), (5, 3)]);
    assert_eq!(statements.iter().map(|statement| statement.into.len()).collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn all_faults_of_a_script_are_told() {
    let script = "SELCT a;\nSELECT b FROM t;\nSELECT c FROM t WITH (x = 'y');";
    let errors = StreamingSqlParser::new().parse_script(script).expect_err("two faults");
    let places: Vec<u64> = errors.iter().map(|error| error.span().start.line).collect();
    assert_eq!(places, [1, 3]);
    let many = "SELCT a;\n".repeat(50);
    assert_eq!(StreamingSqlParser::new().parse_script(&many).expect_err("50 faults").len(), 20, "a flood is cut");
}

#[test]
fn a_broken_statement_does_not_hide_the_others() {
    let script = "CREATE STREAM s AS SELCT a FROM t;\nSELECT 'b FROM t;\nSELECT b FROM t WITH ('t.x' = 'y');\nSELECT c FROM /* t;\nSELECT d FROM t";
    let parsed = StreamingSqlParser::new().parse_each(script);
    let told: Vec<Result<u64, (u64, Option<&str>)>> = parsed
        .iter()
        .map(|each| each.as_ref().map(|good| good.span.start.line).map_err(|broken| (broken.error.span().start.line, broken.name.as_deref())))
        .collect();
    assert_eq!(told, [Err((1, Some("s"))), Err((2, None)), Ok(3), Err((4, None)), Ok(5)]);
    assert_eq!(StreamingSqlParser::new().parse_each(";").len(), 1, "an empty script is one broken statement");
}

#[test]
fn the_group_is_noted() {
    assert_eq!(analyze("SELECT 1").group, "group");
}
