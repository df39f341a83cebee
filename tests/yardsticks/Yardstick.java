import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The steps of the gateway's Java sample: hash the string, hand the digest to {@code SHA256withRSA}. Its keys are parsed
 * once here, which the sample does for every call. The JDK has no JSON reader; a flat object is read by hand.
 */
public final class Yardstick {
    private static final Map<String, byte[]> NOTIFICATION = new HashMap<>();
    private static final Map<String, PublicKey> PUBLIC = new HashMap<>();
    private static final Map<String, PrivateKey> PRIVATE = new HashMap<>();
    private static byte[] order;

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        KeyFactory rsa = KeyFactory.getInstance("RSA");
        for (String bits : new String[] {"1024", "2048"}) {
            NOTIFICATION.put(bits, Files.readAllBytes(folder.resolve("notification-" + bits + ".json")));
            byte[] spki = pem(folder.resolve("platform-" + bits + ".pub.pem"));
            PUBLIC.put(bits, rsa.generatePublic(new X509EncodedKeySpec(spki)));
            byte[] pkcs8 = pem(folder.resolve("merchant-" + bits + ".pem"));
            PRIVATE.put(bits, rsa.generatePrivate(new PKCS8EncodedKeySpec(pkcs8)));
        }
        order = Files.readAllBytes(folder.resolve("order.txt"));
        if (isSigned("another", new byte[256], "2048")) {
            throw new IllegalStateException("a forged signature passed");
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            int times = Integer.parseInt(words[2]);
            long begun = System.nanoTime();
            for (int i = 0; i < times; i++) {
                if (words[0].equals("verify")) {
                    verify(words[1]);
                } else {
                    sign(words[1]);
                }
            }
            System.out.println(System.nanoTime() - begun);
        }
    }

    private static byte[] pem(Path file) throws Exception {
        String text = Files.readString(file).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        return Base64.getDecoder().decode(text);
    }

    private static String sign(String bits) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(order);
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(PRIVATE.get(bits));
        signature.update(digest);
        return Base64.getEncoder().encodeToString(signature.sign());
    }

    private static boolean isSigned(String canonical, byte[] value, String bits) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(canonical.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(PUBLIC.get(bits));
        signature.update(digest);
        return signature.verify(value);
    }

    private static void verify(String bits) throws Exception {
        TreeMap<String, String> members = data(new String(NOTIFICATION.get(bits), StandardCharsets.UTF_8));
        byte[] value = Base64.getDecoder().decode(members.remove("sign"));
        StringBuilder canonical = new StringBuilder();
        for (Map.Entry<String, String> member : members.entrySet()) {
            if (member.getValue().isEmpty() || member.getValue().equals("null")) {
                continue;
            }
            if (canonical.length() > 0) {
                canonical.append('&');
            }
            canonical.append(member.getKey()).append('=').append(member.getValue());
        }
        if (!isSigned(canonical.toString(), value, bits)) {
            throw new IllegalStateException("a genuine notification was refused");
        }
    }

    /** The members of the flat object behind {@code "data":}, without escapes: enough for the message of this benchmark. */
    private static TreeMap<String, String> data(String message) {
        TreeMap<String, String> members = new TreeMap<>();
        int at = message.indexOf("\"data\":{") + 8;
        while (message.charAt(at) != '}') {
            int nameEnd = message.indexOf('"', at + 1);
            String name = message.substring(at + 1, nameEnd);
            int valueAt = nameEnd + 2;
            int end;
            if (message.charAt(valueAt) == '"') {
                end = message.indexOf('"', valueAt + 1);
                members.put(name, message.substring(valueAt + 1, end));
                end++;
            } else {
                end = valueAt;
                while (message.charAt(end) != ',' && message.charAt(end) != '}') {
                    end++;
                }
                members.put(name, message.substring(valueAt, end));
            }
            at = message.charAt(end) == ',' ? end + 1 : end;
        }
        return members;
    }
}
