// Prints murmur2.tsv with Kafka's own hash and its own default partitioner.
//
// Needs org.apache.kafka:kafka-clients:4.1.0 and its slf4j-api in libs/:
//   java -cp 'libs/*' Murmur2.java > murmur2.tsv

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

class Murmur2 {
    public static void main(String[] args) {
        List<byte[]> keys = new ArrayList<>();
        for (String name : List.of("a", "alice", "bob", "xiaojun", "administrator", "user_1", "user-10000000",
                "13800138000", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "a b~c!d", "Alice", "0", "7fffffff", "A@B.example.com")) {
            keys.add(name.getBytes(StandardCharsets.US_ASCII));
        }
        // Every length that an account can have, printable.
        for (int length = 1; length <= 32; length++) {
            byte[] key = new byte[length];
            for (int place = 0; place < length; place++) {
                key[place] = (byte) (0x20 + (length * 31 + place * 7) % 95);
            }
            keys.add(key);
        }
        // Every remainder of the length by four with bytes above 0x7f, where a signed byte would show.
        Random random = new Random(1);
        for (int length = 0; length <= 16; length++) {
            byte[] key = new byte[length];
            random.nextBytes(key);
            keys.add(key);
        }
        keys.add(new byte[] {-1, -1, -1, -1, -1, -1, -1});
        System.out.println("# key in hexadecimal, murmur2, its partition of 1, 3, 32");
        for (byte[] key : keys) {
            System.out.print(HexFormat.of().formatHex(key) + "\t" + Integer.toHexString(Utils.murmur2(key)));
            for (int partitions : new int[] {1, 3, 32}) {
                System.out.print("\t" + BuiltInPartitioner.partitionForKey(key, partitions));
            }
            System.out.println();
        }
    }
}
