import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.Trigger;

/** Spark SQL with local[2]: `batch` reads what the topic holds in one batch, `stream` by Structured Streaming with the trigger availableNow. */
public class Spark {
  public static void main(String[] args) throws Exception {
    boolean streaming = args[0].equals("stream");
    String brokers = System.getenv("BROKERS");
    SparkSession spark =
        SparkSession.builder().master("local[2]").appName("peer").config("spark.ui.enabled", "false").getOrCreate();
    spark.sparkContext().setLogLevel("WARN");
    Dataset<Row> source;
    if (streaming) {
      source = spark.readStream().format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", System.getenv("IN"))
          .option("startingOffsets", "earliest").load();
    } else {
      source = spark.read().format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", System.getenv("IN")).load();
    }
    source.selectExpr(
            "from_json(cast(value AS string), 'order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, amount DOUBLE, status STRING, ts STRING') AS v")
        .selectExpr("v.*")
        .createOrReplaceTempView("t");
    // 1.1 alone is a decimal in Spark too.
    Dataset<Row> answer =
        spark.sql(
            "SELECT to_json(struct(*)) AS value FROM (SELECT order_id, customer_id, amount * 1.1D AS gross,"
                + " CASE WHEN amount > 500 THEN 'high' WHEN amount > 100 THEN 'mid' ELSE 'low' END AS band, status, ts"
                + " FROM t WHERE quantity > 0)");
    if (streaming) {
      answer.writeStream().format("kafka").option("kafka.bootstrap.servers", brokers).option("topic", System.getenv("OUT"))
          .option("kafka.linger.ms", "20").option("kafka.batch.size", "262144").option("checkpointLocation", args[1])
          .trigger(Trigger.AvailableNow()).start().awaitTermination();
    } else {
      answer.write().format("kafka").option("kafka.bootstrap.servers", brokers).option("topic", System.getenv("OUT"))
          .option("kafka.linger.ms", "20").option("kafka.batch.size", "262144").save();
    }
  }
}
