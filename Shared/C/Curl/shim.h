#ifndef SLIPWAY_CCURL_H
#define SLIPWAY_CCURL_H
#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
/* libcurl's setters are variadic, which Swift can't call. Each of these has the type that its options ask for. */
static inline CURLcode slipway_curl_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}
static inline CURLcode slipway_curl_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}
static inline CURLcode slipway_curl_text(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}
static inline CURLcode slipway_curl_pointer(CURL *easy, CURLoption option, void *value) {
  return curl_easy_setopt(easy, option, value);
}
typedef size_t (*slipway_curl_bytes)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode slipway_curl_callback(CURL *easy, CURLoption option, slipway_curl_bytes callback) {
  return curl_easy_setopt(easy, option, callback);
}
/* Asked with the address in the kernel's form before each connection; zero refuses it. */
typedef int (*slipway_curl_permission)(void *context, const void *address, unsigned length);
struct slipway_curl_guard {
  slipway_curl_permission permits;
  void *context;
};
static inline curl_socket_t slipway_curl_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  struct slipway_curl_guard *guard = context;
  if (purpose != CURLSOCKTYPE_IPCXN || !guard->permits(guard->context, &address->addr, address->addrlen))
    return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
static inline void slipway_curl_guarded(CURL *easy, struct slipway_curl_guard *guard) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, slipway_curl_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard);
}
static inline CURLcode slipway_curl_private(CURL *easy, void **value) {
  return curl_easy_getinfo(easy, CURLINFO_PRIVATE, value);
}
static inline long slipway_curl_status(CURL *easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}
typedef int (*slipway_curl_socket)(CURL *easy, curl_socket_t socket, int what, void *context, void *of_socket);
typedef int (*slipway_curl_timer)(CURLM *multi, long milliseconds, void *context);
static inline void slipway_curl_multi_callbacks(CURLM *multi, slipway_curl_socket socket, slipway_curl_timer timer,
                                                void *context) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}
static inline void slipway_curl_multi_limits(CURLM *multi, long connections, long per_host) {
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
}
/* The transfer that ended, and how; NULL when none is left. */
static inline CURL *slipway_curl_ended(CURLM *multi, CURLcode *result) {
  int left = 0;
  for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
    if (message->msg != CURLMSG_DONE) continue;
    *result = message->data.result;
    return message->easy_handle;
  }
  return NULL;
}
static inline int slipway_curl_watch(int poll, int socket, int what) {
  if (what == CURL_POLL_REMOVE) return epoll_ctl(poll, EPOLL_CTL_DEL, socket, NULL);
  struct epoll_event event = {0};
  event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
  event.data.fd = socket;
  int failed = epoll_ctl(poll, EPOLL_CTL_MOD, socket, &event);
  return failed ? epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) : 0;
}
/* The next socket with something to do, as curl wants to be told of it; -1 when none has. */
static inline int slipway_curl_next(int poll, int *events) {
  struct epoll_event event;
  if (epoll_wait(poll, &event, 1, 0) != 1) return -1;
  *events = (event.events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP) ? CURL_CSELECT_IN : 0) |
            (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0) | (event.events & EPOLLERR ? CURL_CSELECT_ERR : 0);
  return event.data.fd;
}
static const size_t SLIPWAY_CURL_WRITE_PAUSE = CURL_WRITEFUNC_PAUSE, SLIPWAY_CURL_READ_PAUSE = CURL_READFUNC_PAUSE,
                    SLIPWAY_CURL_READ_ABORT = CURL_READFUNC_ABORT;
static const int SLIPWAY_EPOLL_CLOEXEC = EPOLL_CLOEXEC;
static const long SLIPWAY_CURL_HTTP_ANY = CURL_HTTP_VERSION_2TLS;
#endif
