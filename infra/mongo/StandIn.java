import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.h2.mvstore.MVStore;

/**
 * A stand-in for MongoDB where no mongod is to be had: mongo-java-server's wire protocol on an H2 MVStore file.
 *
 * <p>What it adds to that library: a write is in the file before it is acknowledged, a renamed collection stays renamed after a
 * restart, and today's drivers accept its handshake. It is no MongoDB: docs/operations.md lists what it lacks.
 *
 * <p>Usage: {@code StandIn HOST PORT FILE}. Ends cleanly on SIGTERM.
 */
public final class StandIn {
  /**
   * Milliseconds that what was written over stays in the file. A read goes on with the state that it began with, and H2's 45
   * seconds are less than a look at all of half a million documents takes.
   */
  private static final int LONGEST_READ = 300_000;

  private static final Set<String> WRITES =
      Set.of(
          "insert", "update", "delete", "findAndModify", "findandmodify", "create", "createIndexes", "drop", "dropIndexes",
          "dropDatabase", "renameCollection", "aggregate");
  private static final Set<String> CHANGE_COLLECTIONS = Set.of("renameCollection", "drop", "dropDatabase");

  private StandIn() {}

  public static void main(String[] args) throws Exception {
    if (args.length != 3) {
      System.err.println("usage: StandIn HOST PORT FILE");
      System.exit(2);
    }
    Path file = Path.of(args[2]);
    Files.createDirectories(file.toAbsolutePath().getParent());
    MVStore store = new MVStore.Builder().fileName(file.toString()).cacheSize(256).open();
    store.setRetentionTime(LONGEST_READ);
    MongoServer server = new MongoServer(new DurableBackend(store));
    server.bind(args[0], Integer.parseInt(args[1]));
    System.out.println("MongoDB stand-in listens on " + server.getConnectionString() + ", file " + file);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  server.shutdownNow();
                  store.close();
                  ended.countDown();
                }));
    ended.await();
  }

  /** The library's backend with durable acknowledgement and renames, and the handshake of MongoDB 7. */
  private static final class DurableBackend extends H2Backend {
    private final MVStore store;

    /** Writers share it; what changes the set of collections holds it alone, so that no write lands in a map that goes away. */
    private final ReadWriteLock collections = new ReentrantReadWriteLock();

    DurableBackend(MVStore store) {
      super(store);
      this.store = store;
      version(new SevenZero());
    }

    @Override
    public Document handleMessage(MongoMessage message) {
      Document request = message.getDocument();
      String command = request.isEmpty() ? "" : request.keySet().iterator().next();
      if (command.equals("hello")) {
        return hello(message);
      }
      Lock lock = CHANGE_COLLECTIONS.contains(command) ? collections.writeLock() : collections.readLock();
      lock.lock();
      try {
        Document reply = super.handleMessage(message);
        if (command.equals("renameCollection")) {
          renameMaps((String) request.get("renameCollection"), (String) request.get("to"));
        }
        if (WRITES.contains(command)) {
          store.commit();
        }
        return reply;
      } finally {
        lock.unlock();
      }
    }

    /** The library knows the handshake only by its older name. */
    private Document hello(MongoMessage message) {
      Document question = new Document("isMaster", 1);
      question.put("$db", "admin");
      Document reply = super.handleMessage(new MongoMessage(message.getChannel(), message.getHeader(), question));
      reply.put("isWritablePrimary", true);
      return reply;
    }

    /** The library renames a collection in memory only; here its maps in the file follow. */
    private void renameMaps(String from, String to) {
      for (String name : new ArrayList<>(store.getMapNames())) {
        String target = renamed(name, from, to);
        if (target == null) {
          continue;
        }
        if (store.hasMap(target)) {
          store.removeMap(target);
        }
        store.renameMap(store.openMap(name), target);
      }
    }

    private static String renamed(String name, String from, String to) {
      if (name.equals("databases." + from)) {
        return "databases." + to;
      }
      if (name.equals("meta." + from)) {
        return "meta." + to;
      }
      return name.startsWith(from + "._index_") ? to + name.substring(from.length()) : null;
    }
  }

  /** What today's drivers ask of a server before they talk to it. */
  private static final class SevenZero implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(7, 0, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return 21;
    }

    @Override
    public String toVersionString() {
      return "7.0.0";
    }
  }
}
