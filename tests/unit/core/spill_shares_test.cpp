// The spool's shares: who is refused by which, and that all of it is given back.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "proxy/core/spill_shares.h"

using namespace holdfast::core;

namespace {

// Gives back in steps of 10 bytes, as a disk does in blocks.
struct Store : SpillStore {
  struct File : SpillFile {
    explicit File(Store& its_store) : store(its_store) {}
    bool append(std::string_view more) override {
      if (store.full) return false;
      length += more.size();
      return true;
    }
    bool read(std::uint64_t, std::size_t, std::string&) override { return true; }
    void discard_before(std::uint64_t offset) override { freed = offset / 10 * 10; }
    std::uint64_t stored_bytes() const override { return length - freed; }
    Store& store;
    std::uint64_t length = 0, freed = 0;
  };
  std::unique_ptr<SpillFile> create(std::string& error) override {
    if (code == 0) return std::make_unique<File>(*this);
    error = "none";
    return nullptr;
  }
  std::uint64_t bytes_in_use() const override { return 0; }
  int error_code() const override { return code; }
  int code = 0;
  bool full = false;
};

ClientKey client(std::uint8_t last) {
  return client_key({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last});
}

std::string word(std::optional<SpillShare> share) {
  return share ? std::string(spill_share_name(*share)) : "ok";
}

}  // namespace

TEST_CASE("spool shares: half for a client, three quarters for uploads or answers, and the whole") {
  SpillShares shares(1000);
  CHECK(word(shares.take(SpillUse::upload, client(1), 500)) == "ok");
  CHECK(word(shares.take(SpillUse::upload, client(1), 1)) == "client");
  CHECK(word(shares.take(SpillUse::answer, client(1), 1)) == "client");  // both uses together
  CHECK(word(shares.take(SpillUse::upload, client(2), 249)) == "ok");
  CHECK(word(shares.take(SpillUse::upload, client(4), 2)) == "use");
  CHECK(word(shares.take(SpillUse::upload, client(4), 1)) == "ok");
  CHECK(word(shares.take(SpillUse::answer, client(4), 248)) == "ok");  // uploads are full, answers are not
  CHECK(word(shares.take(SpillUse::answer, client(5), 3)) == "whole");
  CHECK(word(shares.take(SpillUse::answer, client(5), 2)) == "ok");
  CHECK(shares.used(SpillUse::upload) == 750);
  CHECK(shares.used(SpillUse::answer) == 250);
  CHECK(shares.refused(SpillUse::upload, SpillShare::client) == 1);
  CHECK(shares.refused(SpillUse::answer, SpillShare::client) == 1);
  CHECK(shares.refused(SpillUse::upload, SpillShare::use) == 1);
  CHECK(shares.refused(SpillUse::answer, SpillShare::whole) == 1);
  shares.give_back(SpillUse::upload, client(1), 500);
  CHECK(shares.used_by(client(1)) == 0);
  CHECK(shares.clients() == 3);  // nothing is kept of who has nothing
  CHECK(word(shares.take(SpillUse::upload, client(6), 250)) == "ok");
}

TEST_CASE("spool shares: lowered below what is used lets nobody grow") {
  SpillShares shares(1000);
  CHECK(word(shares.take(SpillUse::upload, client(1), 200)) == "ok");
  shares.set_max(100);
  CHECK(word(shares.take(SpillUse::upload, client(1), 1)) == "client");
  CHECK(word(shares.take(SpillUse::upload, client(2), 1)) == "use");
  CHECK(word(shares.take(SpillUse::answer, client(2), 1)) == "whole");
}

TEST_CASE("a client's files count while they are there, and no longer than their bytes") {
  Store store;
  SpillShares shares(1000);
  ClientSpill first(store, shares, SpillUse::answer, client(1));
  ClientSpill second(store, shares, SpillUse::upload, client(1));
  std::string error;
  auto answer = first.create(error);
  auto upload = second.create(error);
  CHECK(answer->append(std::string(120, 'a')));
  CHECK(upload->append(std::string(100, 'u')));
  CHECK(shares.used_by(client(1)) == 220);
  answer->discard_before(115);  // blocks of ten
  CHECK(shares.used(SpillUse::answer) == 10);
  CHECK(first.bytes_in_use() == 10);
  CHECK_FALSE(upload->append(std::string(391, 'u')));
  CHECK(second.refused() == SpillShare::client);
  CHECK(second.refusal() ==
        "this client has used its part of the spool: 500 bytes (half of buffers.spool_max)");
  CHECK_FALSE(upload->append("u"));  // nothing may follow what was refused
  // A door that is now another client's still counts its old files where they were counted.
  first.set_client(client(2));
  auto other = first.create(error);
  CHECK(other->append("12345"));
  CHECK(shares.used_by(client(2)) == 5);
  answer.reset();
  CHECK(shares.used_by(client(1)) == 100);
  upload.reset();
  other.reset();
  CHECK(shares.clients() == 0);
  CHECK(shares.used(SpillUse::upload) + shares.used(SpillUse::answer) == 0);
}

TEST_CASE("what the store refuses is counted as such, and takes nothing of a share") {
  Store store;
  SpillShares shares(1000);
  ClientSpill spill(store, shares, SpillUse::upload, client(1));
  std::string error;
  auto file = spill.create(error);
  store.full = true;
  CHECK_FALSE(file->append("12345"));
  CHECK(spill.refused() == SpillShare::store);
  CHECK(shares.used(SpillUse::upload) == 0);
  store.code = 24;
  CHECK(spill.create(error) == nullptr);
  CHECK(spill.error_code() == 24);
  CHECK(shares.refused(SpillUse::upload, SpillShare::store) == 2);
}

TEST_CASE("client keys: one IPv4 address, one IPv6 /64, one Unix connection") {
  const auto v6 = [](std::uint8_t net, std::uint8_t host) {
    return client_key({0x20, 1, 0xd, 0xb8, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host});
  };
  CHECK(client(1) == client(1));
  CHECK_FALSE(client(1) == client(2));
  CHECK(v6(1, 1) == v6(1, 2));
  CHECK_FALSE(v6(1, 1) == v6(2, 1));
  CHECK(client_key_of_connection(1) == client_key_of_connection(1));
  CHECK_FALSE(client_key_of_connection(1) == client_key_of_connection(2));
}
