import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** Kafka Streams with two threads. It has no SQL: the query is Java, with Jackson for the JSON. */
public class Streams {
  public static class Order {
    public long order_id;
    public long customer_id;
    public long product_id;
    public int quantity;
    public double amount;
    public String status;
    public String ts;
  }

  public record Answer(long order_id, long customer_id, double gross, String band, String status, String ts) {}

  public static void main(String[] args) {
    ObjectReader reader = new ObjectMapper().readerFor(Order.class).without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
    ObjectWriter writer = new ObjectMapper().writerFor(Answer.class);
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(System.getenv("IN"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .mapValues(bytes -> read(reader, bytes))
        .filter((key, order) -> order.quantity > 0)
        .mapValues(o -> write(writer, new Answer(o.order_id, o.customer_id, o.amount * 1.1, band(o.amount), o.status, o.ts)))
        .to(System.getenv("OUT"), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    Properties options = new Properties();
    options.put("bootstrap.servers", System.getenv("BROKERS"));
    options.put("application.id", System.getenv("GROUP"));
    options.put("auto.offset.reset", "earliest");
    options.put("num.stream.threads", "2");
    options.put("state.dir", args[0]);
    options.put("producer.linger.ms", "20");
    options.put("producer.batch.size", "262144");
    KafkaStreams streams = new KafkaStreams(builder.build(), options);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  static String band(double amount) {
    return amount > 500 ? "high" : amount > 100 ? "mid" : "low";
  }

  static Order read(ObjectReader reader, byte[] bytes) {
    try {
      return reader.readValue(bytes);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static byte[] write(ObjectWriter writer, Answer answer) {
    try {
      return writer.writeValueAsBytes(answer);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
