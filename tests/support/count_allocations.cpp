// Preloaded into the server by tests/system/test_allocations.py: counts what it takes from the heap, into a
// file that the test reads as the server runs.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace {

std::atomic<unsigned long>* counter = nullptr;
void* (*next_malloc)(std::size_t) = nullptr;
void* (*next_realloc)(void*, std::size_t) = nullptr;

template <class Function>
void find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
  if (function == nullptr) ::abort();
}

void count() {
  if (counter != nullptr) counter->fetch_add(1, std::memory_order_relaxed);
}

__attribute__((constructor)) void open_counter() {
  const char* const path = ::getenv("COUNT_ALLOCATIONS");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const page = ::mmap(nullptr, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page != MAP_FAILED) counter = static_cast<std::atomic<unsigned long>*>(page);
}

}  // namespace

extern "C" {
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's have names that are reserved

// operator new takes its memory by this one; what is cleared memory (calloc) comes from other libraries.
void* malloc(std::size_t bytes) {
  if (next_malloc == nullptr) find(next_malloc, "malloc");
  count();
  return next_malloc(bytes);
}

void* realloc(void* at, std::size_t bytes) {
  if (next_realloc == nullptr) find(next_realloc, "realloc");
  count();
  return next_realloc(at, bytes);
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
}  // extern "C"
