import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/** Flink SQL in a cluster within this process: two slots, objects reused, the topic read to its present end. */
public class Flink {
  public static void main(String[] args) throws Exception {
    Configuration options = new Configuration();
    options.setString("parallelism.default", "2");
    options.setString("pipeline.object-reuse", "true");
    TableEnvironment flink =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(options).build());
    String kafka = "'connector'='kafka', 'format'='json', 'properties.bootstrap.servers'='" + System.getenv("BROKERS") + "'";
    flink.executeSql(
        "CREATE TABLE t (order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, amount DOUBLE, status STRING, ts STRING)"
            + " WITH (" + kafka + ", 'topic'='" + System.getenv("IN") + "', 'properties.group.id'='" + System.getenv("GROUP") + "',"
            + " 'scan.startup.mode'='earliest-offset', 'scan.bounded.mode'='latest-offset')");
    flink.executeSql(
        "CREATE TABLE o (order_id BIGINT, customer_id BIGINT, gross DOUBLE, band STRING, status STRING, ts STRING)"
            + " WITH (" + kafka + ", 'topic'='" + System.getenv("OUT") + "',"
            + " 'properties.linger.ms'='20', 'properties.batch.size'='262144')");
    // 1.1 alone is a decimal in Flink.
    flink.executeSql(
            "INSERT INTO o SELECT order_id, customer_id, amount * 1.1e0 AS gross,"
                + " CASE WHEN amount > 500 THEN 'high' WHEN amount > 100 THEN 'mid' ELSE 'low' END AS band, status, ts"
                + " FROM t WHERE quantity > 0")
        .await();
  }
}
