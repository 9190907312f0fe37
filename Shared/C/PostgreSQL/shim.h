#ifndef SLIPWAY_CPOSTGRESQL_H
#define SLIPWAY_CPOSTGRESQL_H
#include <errno.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
/* libpq names the fields of an error by character constants, which Swift does not see. */
static const int SLIPWAY_PQ_SEVERITY = PG_DIAG_SEVERITY_NONLOCALIZED, SLIPWAY_PQ_SQLSTATE = PG_DIAG_SQLSTATE,
                 SLIPWAY_PQ_MESSAGE = PG_DIAG_MESSAGE_PRIMARY, SLIPWAY_PQ_DETAIL = PG_DIAG_MESSAGE_DETAIL,
                 SLIPWAY_PQ_HINT = PG_DIAG_MESSAGE_HINT, SLIPWAY_PQ_POSITION = PG_DIAG_STATEMENT_POSITION,
                 SLIPWAY_PQ_SCHEMA = PG_DIAG_SCHEMA_NAME, SLIPWAY_PQ_TABLE = PG_DIAG_TABLE_NAME,
                 SLIPWAY_PQ_COLUMN = PG_DIAG_COLUMN_NAME, SLIPWAY_PQ_CONSTRAINT = PG_DIAG_CONSTRAINT_NAME,
                 SLIPWAY_PQ_CONTEXT = PG_DIAG_CONTEXT;

/* Declared by hand: OpenSSL's own headers belong to another module. */
extern int SSL_pending(const void *ssl);

/* What a connection still has to give: 0 nothing, 1 bytes in the socket or decrypted already, or its end. */
static inline int slipway_pq_has_input(const PGconn *connection) {
  char byte;
  int descriptor = PQsocket(connection);
  if (descriptor < 0) return 1;
  if (recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) return 1;
  /* A reset is told once, and has just been: libpq must come to see the end behind it. */
  if (errno != EAGAIN && errno != EWOULDBLOCK) return 1;
  void *ssl = PQgetssl((PGconn *)connection);
  return ssl && SSL_pending(ssl) > 0;
}
/* Tells two sockets with the same number apart. */
static inline uint64_t slipway_pq_socket_identity(const PGconn *connection) {
  struct stat status;
  int descriptor = PQsocket(connection);
  return descriptor < 0 || fstat(descriptor, &status) != 0 ? 0 : status.st_ino;
}
#endif
