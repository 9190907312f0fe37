import Glibc
import Testing

/// What small images run: a server in one static file that does what it is asked to, as told below.
enum SmallReplica {
    /// The program, made the first time that somebody asks.
    static let program: Result<[UInt8], any Error> = Result { try build() }

    struct Unbuildable: Error, CustomStringConvertible {
        let description: String
    }

    private static func build() throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let (text, program) = ("\(folder.path)/replica.c", "\(folder.path)/replica")
        guard let file = fopen(text, "we") else { throw Unbuildable(description: "cannot write \(text)") }
        fputs(source, file)
        fclose(file)
        guard system("cc -std=gnu11 -O1 -static -s -o '\(program)' '\(text)'") == 0 else {
            throw Unbuildable(description: "cc made no static program")
        }
        return try Bytes.ofFile(program)
    }

    private static let source = #"""
        #include <arpa/inet.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/random.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/un.h>
        #include <unistd.h>

        extern char **environ;
        static char nonce[33], body[1 << 16];
        static volatile char *hole;

        static void end(int signal) {
          (void)signal;
          static const char words[] = "ending as asked\n";
          if (write(1, words, sizeof(words) - 1) < 0) _exit(9);
          _exit(0);
        }

        static int listening(const char *where) {
          if (strncmp(where, "unix:", 5) == 0) {
            struct sockaddr_un address = {.sun_family = AF_UNIX};
            strncpy(address.sun_path, where + 5, sizeof(address.sun_path) - 1);
            unlink(address.sun_path);
            int server = socket(AF_UNIX, SOCK_STREAM, 0);
            if (bind(server, (struct sockaddr *)&address, sizeof(address))) return -1;
            return listen(server, 64) ? -1 : server;
          }
          const char *colon = strrchr(where, ':');
          struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(colon ? colon + 1 : where))};
          address.sin_addr.s_addr = htonl(INADDR_ANY);
          int server = socket(AF_INET, SOCK_STREAM, 0), one = 1;
          setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
          if (bind(server, (struct sockaddr *)&address, sizeof(address))) return -1;
          return listen(server, 64) ? -1 : server;
        }

        static void answer(int client, const char *path) {
          body[0] = 0;
          if (!strcmp(path, "/readyz")) strcpy(body, "ready");
          else if (!strcmp(path, "/nonce")) strcpy(body, nonce);
          else if (!strncmp(path, "/env/", 5)) {
            const char *value = getenv(path + 5);
            strncpy(body, value ? value : "(none)", sizeof(body) - 1);
          } else if (!strcmp(path, "/key")) {
            const char *value = getenv("SCORER_ACCESS_KEYS"), *name = getenv("SCORER_ACCESS_KEYS_FILE");
            struct stat facts;
            if (value) strncpy(body, value, sizeof(body) - 1);
            else if (!name || stat(name, &facts) || facts.st_mode & 077) strcpy(body, "(no file of one's own)");
            else {
              FILE *file = fopen(name, "r");
              if (!file || fscanf(file, "%1000s", body) != 1) strcpy(body, "(no key)");
              if (file) fclose(file);
            }
          } else if (!strcmp(path, "/environment")) {
            for (char **one = environ; *one; one++)
              snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s\n", *one);
          } else if (!strcmp(path, "/who")) {
            char folder[4096] = "";
            if (!getcwd(folder, sizeof(folder))) strcpy(folder, "?");
            snprintf(body, sizeof(body), "%d:%d %s", (int)getuid(), (int)getgid(), folder);
          } else if (!strncmp(path, "/write/", 7)) {
            int file = open(path + 6, O_WRONLY | O_CREAT, 0600);
            snprintf(body, sizeof(body), "%s", file >= 0 ? "written" : strerror(errno));
            if (file >= 0) close(file);
          } else if (!strncmp(path, "/read/", 6)) {
            int file = open(path + 5, O_RDONLY);
            ssize_t count = file >= 0 ? read(file, body, sizeof(body) - 1) : -1;
            if (count < 0) snprintf(body, sizeof(body), "(%s)", strerror(errno)); else body[count] = 0;
            if (file >= 0) close(file);
          } else if (!strncmp(path, "/lines/", 7)) {
            for (int line = 1; line <= atoi(path + 7); line++) printf("line %d\n", line);
            fflush(stdout);
          } else if (!strncmp(path, "/exit/", 6)) {
            fprintf(stderr, "last words before %s\n", path + 6);
            exit(atoi(path + 6));
          } else if (!strcmp(path, "/crash")) {
            fprintf(stderr, "about to fall\n");
            *hole = 1;
          } else if (!strcmp(path, "/eat")) {
            for (;;) {
              char *bytes = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              if (bytes == MAP_FAILED) { fprintf(stderr, "no memory: %s\n", strerror(errno)); exit(12); }
              memset(bytes, 1, 1 << 20);
            }
          } else strcpy(body, "?");
          char head[256];
          int count = snprintf(head, sizeof(head),
              "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\nconnection: close\r\n\r\n", strlen(body));
          if (write(client, head, count) < 0 || write(client, body, strlen(body)) < 0) return;
        }

        int main(int count, char **words) {
          setvbuf(stdout, 0, _IOLBF, 0);
          signal(SIGPIPE, SIG_IGN);
          signal(SIGTERM, getenv("TEST_STUBBORN") ? SIG_IGN : end);
          unsigned char random[16];
          if (getrandom(random, 16, 0) != 16) return 3;
          for (int index = 0; index < 16; index++) sprintf(nonce + 2 * index, "%02x", random[index]);
          printf("started with %d words%s%s\n", count - 1, count > 1 ? ": " : "", count > 1 ? words[1] : "");
          if (getenv("TEST_EXIT")) {
            fprintf(stderr, "told to end with %s\n", getenv("TEST_EXIT"));
            return atoi(getenv("TEST_EXIT"));
          }
          const char *where = getenv("SCORER_LISTEN");
          int server = listening(where ? where : "0.0.0.0:8080");
          if (server < 0) { fprintf(stderr, "cannot listen at %s: %s\n", where, strerror(errno)); return 4; }
          for (;;) {
            int client = accept(server, 0, 0);
            if (client < 0) continue;
            char request[4096];
            size_t have = 0;
            while (have < sizeof(request) - 1) {
              ssize_t more = read(client, request + have, sizeof(request) - 1 - have);
              if (more <= 0) break;
              have += more;
              request[have] = 0;
              if (strstr(request, "\r\n\r\n")) break;
            }
            char path[2048];
            if (have > 0 && sscanf(request, "GET %2047s", path) == 1) answer(client, path);
            close(client);
          }
        }
        """#
}
