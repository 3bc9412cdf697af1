// Reading, writing and closing. Two rules shape it: the handler is never called from inside an owner's call
// (errors found there wait in the loop's deferred list), and after close() only on_closed() comes (libuv
// still delivers cancelled requests: they find the state and do nothing).
#include "proxy/net/uv_stream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "proxy/net/uv_loop.h"

namespace holdfast::net {

namespace {

// Full reads of one stream in one turn. libuv would do 32 in a row, and all others would wait.
constexpr int kReadsATurn = 2;
// Rounds of reading what a dead peer left: 16 MiB with the loop's buffer, above any receive buffer of the
// kernel.
constexpr int kLeftoverReads = 256;

}  // namespace

UvStream::UvStream(UvLoop& loop, Kind kind) : loop_(loop), kind_(kind) {
  init_handle();
  loop_.handle_opened();
}

UvStream::~UvStream() {
  if (state_ != State::closed) {  // libuv would write into freed memory
    std::fputs("stream destroyed before on_closed()\n", stderr);
    std::abort();
  }
}

void UvStream::adopt(int fd) {
  const int status = kind_ == Kind::tcp ? uv_tcp_open(&handle_.tcp, fd) : uv_pipe_open(&handle_.pipe, fd);
  state_ = State::open;
  if (status == 0) return;
  ::close(fd);
  defer_error(-status);
}

int UvStream::fd() const {
  uv_os_fd_t fd = -1;
  const auto* handle = reinterpret_cast<const uv_handle_t*>(&handle_);
  return uv_fileno(handle, &fd) == 0 ? fd : -1;
}

// ---- reading

void UvStream::start_read() {
  if (reading_ != Reading::stopped || closing() || state_ == State::failed) return;
  reading_ = Reading::started;
  if (state_ == State::open) begin_read();
}

void UvStream::stop_read() {
  if (reading_ != Reading::started) return;
  reads_next_turn_ = false;
  reading_ = Reading::stopped;
  if (state_ == State::open) uv_read_stop(stream());
}

void UvStream::begin_read() {
  const int status = uv_read_start(
      stream(),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        const std::span<char> shared = static_cast<UvStream*>(handle->data)->loop_.read_buffer();
        *buffer = uv_buf_init(shared.data(), static_cast<unsigned>(shared.size()));
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        static_cast<UvStream*>(handle->data)->on_read_result(count, *buffer);
      });
  if (status != 0) defer_error(-status);
}

void UvStream::on_read_result(ssize_t count, const uv_buf_t& buffer) {
  if (state_ != State::open || count == 0) return;  // 0: nothing there after all
  if (count > 0) {
    again_ = false;
    count_read();
    handler_->on_read(std::string_view(buffer.base, static_cast<std::size_t>(count)));
    if (again_) read_now();
    return;
  }
  if (count != UV_EOF) {
    fail(static_cast<int>(-count));
    return;
  }
  if (buffer.base == nullptr) {
    // libuv concluded EOF from POLLHUP after a short read, without another read() (uv__stream_io). A reset
    // looks the same to it, but is no orderly end: the socket knows.
    int code = 0;
    socklen_t length = sizeof code;
    if (::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &code, &length) == 0 && code != 0) {
      fail(code);
      return;
    }
  }
  reading_ = Reading::ended;
  handler_->on_eof();
}

// The others' turn comes first: what is still there is read in the next one.
void UvStream::count_read() {
  if (read_turn_ != loop_.turn()) {
    read_turn_ = loop_.turn();
    reads_ = 0;
  }
  if (++reads_ < kReadsATurn || reading_ != Reading::started || reads_next_turn_) return;
  uv_read_stop(stream());
  reads_next_turn_ = true;
  loop_.read_next_turn(*this);
}

void UvStream::read_on() {
  if (!reads_next_turn_) return;
  reads_next_turn_ = false;
  if (state_ == State::open && reading_ == Reading::started) begin_read();
}

// One read beside libuv's; what is not there yet comes in its turn.
void UvStream::read_now() {
  if (state_ != State::open || reading_ != Reading::started) return;
  const std::span<char> buffer = loop_.read_buffer();
  const ssize_t count = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) {
    handler_->on_read(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  } else if (count == 0) {
    uv_read_stop(stream());
    reading_ = Reading::ended;
    handler_->on_eof();
  } else if (errno != EAGAIN && errno != EINTR) {
    fail(errno);
  }
}

// ---- writing

bool UvStream::write(std::span<const std::string_view> slices) {
  if (closing() || state_ == State::failed || pending_error_ != 0 || sending_ == Sending::ended) return false;
  std::size_t total = 0;
  for (const std::string_view slice : slices) total += slice.size();
  if (total == 0) return !under_way() && !queued();
  accepted_ += total;

  std::size_t taken = 0;
  if (state_ == State::open && !under_way()) {
    taken = try_write(slices);
    if (pending_error_ != 0) return false;
    if (taken == total) return true;
  }
  if (writing_ == nullptr) writing_ = std::make_unique<Writing>();
  if (writing_->queued.empty()) writing_->queued.reserve(total - taken);
  for (const std::string_view slice : slices) {
    const std::size_t skipped = std::min(taken, slice.size());
    writing_->queued.append(slice.substr(skipped));
    taken -= skipped;
  }
  if (state_ == State::open && !under_way()) send_queued();
  return false;
}

// Returns the bytes the kernel took: 0 where it takes none now. An error is left in pending_error_.
std::size_t UvStream::try_write(std::span<const std::string_view> slices) {
  std::array<uv_buf_t, 64> buffers;
  std::size_t taken = 0;
  std::size_t next = 0;
  while (next < slices.size()) {
    unsigned count = 0;
    std::size_t offered = 0;
    for (; next < slices.size() && count < buffers.size(); ++next) {
      const std::string_view slice = slices[next];
      if (slice.empty()) continue;
      // uv_buf_t is made for reading, too; writing does not change the bytes.
      buffers[count++] = uv_buf_t{const_cast<char*>(slice.data()), slice.size()};
      offered += slice.size();
    }
    if (count == 0) break;
    const int status = uv_try_write(stream(), buffers.data(), count);
    if (status < 0) {
      if (status != UV_EAGAIN) defer_error(-status);
      break;
    }
    taken += static_cast<std::size_t>(status);
    if (static_cast<std::size_t>(status) < offered) break;
  }
  return taken;
}

void UvStream::send_queued() {
  writing_->in_flight.swap(writing_->queued);
  const uv_buf_t buffer{writing_->in_flight.data(), writing_->in_flight.size()};
  const int status = uv_write(&writing_->request, stream(), &buffer, 1, [](uv_write_t* request, int result) {
    static_cast<UvStream*>(request->handle->data)->on_write_result(result);
  });
  if (status != 0) {
    defer_error(-status);
    return;
  }
  writing_->under_way = true;
}

void UvStream::on_write_result(int status) {
  writing_->under_way = false;
  std::string().swap(writing_->in_flight);
  if (state_ != State::open || pending_error_ != 0) return;
  if (sending_ == Sending::ended) return;  // given up: EPIPE is our own doing
  if (status < 0) {
    pending_error_ = -status;  // write() takes nothing from now on
    fail_after_input(-status);
    return;
  }
  if (queued()) {
    send_queued();
    return;
  }
  writing_.reset();
  if (sending_ == Sending::ending) end_sending();
  handler_->on_drained();
}

void UvStream::drop_queued() {
  if (writing_ != nullptr) std::string().swap(writing_->queued);
}

std::size_t UvStream::unsent_bytes() const {
  if (sending_ == Sending::ended) return 0;
  if (writing_ == nullptr) return 0;
  return (under_way() ? uv_stream_get_write_queue_size(stream()) : 0) + writing_->queued.size();
}

std::uint64_t UvStream::delivered_bytes() const {
  int in_kernel = 0;
  const std::uint64_t taken = accepted_ - std::min<std::uint64_t>(accepted_, unsent_bytes());
  if (const int socket = fd(); socket < 0 || ::ioctl(socket, SIOCOUTQ, &in_kernel) != 0) return delivered_;
  // On a Unix socket the kernel counts its own overhead, too: that may be more than all there was.
  const auto waiting = static_cast<std::uint64_t>(std::max(in_kernel, 0));
  delivered_ = std::max(delivered_, taken - std::min(taken, waiting));
  return delivered_;
}

void UvStream::shutdown_write() {
  if (sending_ != Sending::open || closing()) return;
  sending_ = Sending::ending;
  if (state_ == State::open && !under_way()) end_sending();
}

void UvStream::give_up_sending() {
  if (sending_ == Sending::ended || closing()) return;
  drop_queued();
  if (state_ == State::open) {
    end_sending();  // libuv finds EPIPE for what it still holds: on_write_result() knows
  } else {
    sending_ = Sending::ended;
  }
}

void UvStream::end_sending() {
  sending_ = Sending::ended;
  // Not uv_shutdown(): it would ask the loop for POLLOUT first, and all is sent. ENOTCONN means that the peer
  // reset the connection: the reader hears of it.
  ::shutdown(fd(), SHUT_WR);
}

// ---- errors and the end

void UvStream::defer_error(int code) {
  if (pending_error_ != 0) return;
  pending_error_ = code;
  loop_.defer(*this);
}

void UvStream::deliver_deferred() {
  switch (state_) {
    case State::connecting:
      state_ = State::failed;
      handler_->on_connected(Error{pending_error_});
      return;
    case State::open: fail_after_input(pending_error_); return;
    case State::fresh:
    case State::resolving:
    case State::reopening:
    case State::failed:
    case State::closing:
    case State::closed: return;
  }
}

// Writing failed. What the peer said before it went may still wait in the receive buffer (an application that
// answers early and closes without reading the whole request): it is delivered first.
void UvStream::fail_after_input(int code) {
  const std::span<char> buffer = loop_.read_buffer();
  for (int i = 0; i < kLeftoverReads && state_ == State::open && reading_ == Reading::started; ++i) {
    const ssize_t count = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    handler_->on_read(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  }
  if (state_ == State::open) fail(code);
}

void UvStream::fail(int code) {
  if (reading_ == Reading::started) uv_read_stop(stream());
  reading_ = Reading::ended;
  state_ = State::failed;
  loop_.forget(*this);
  drop_queued();
  handler_->on_error(Error{code});
}

void UvStream::close() {
  if (closing()) return;
  const bool handle_closes_already = state_ == State::reopening;
  state_ = State::closing;
  loop_.forget(*this);
  abandon_lookup();
  if (handle_closes_already) return;
  uv_close(base(), [](uv_handle_t* handle) { static_cast<UvStream*>(handle->data)->on_handle_closed(); });
}

void UvStream::reset() {
  if (closing()) return;
  // Set by hand: uv_tcp_close_reset() refuses in some states. Without effect on Unix sockets, where the
  // kernel tells the peer of a reset only when bytes were left unread.
  const linger immediately{1, 0};
  if (const int socket = fd(); socket >= 0) {
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &immediately, sizeof immediately);
  }
  close();
}

// ---- looking at the socket

void UvStream::quick_ack() {
  if (kind_ != Kind::tcp || closing()) return;
  const int on = 1;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

// poll(2) rather than a peek: recv(MSG_PEEK) takes a pending error off the socket, and the reader would hear
// of an orderly end instead.
unsigned UvStream::poll_events() const {
  pollfd entry{fd(), POLLIN | POLLRDHUP, 0};
  if (entry.fd < 0 || ::poll(&entry, 1, 0) <= 0) return 0;
  return static_cast<unsigned>(entry.revents);
}

bool UvStream::has_unread_input() const {
  if (state_ != State::open || reading_ == Reading::ended) return false;
  return poll_events() != 0;
}

bool UvStream::peer_gone() const {
  return (poll_events() & (POLLHUP | POLLERR)) != 0;
}

}  // namespace holdfast::net
