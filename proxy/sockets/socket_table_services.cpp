// Names of services by port: our short table, then /etc/services.
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "proxy/sockets/socket_table.h"

namespace holdfast::net {

namespace {

struct KnownService {
  std::uint16_t port;
  std::string_view name;
};

// Sorted by port. What stands around a PHP site, by the word that people use for it.
constexpr std::array kKnownServices = {
    KnownService{22, "ssh"},          KnownService{25, "smtp"},         KnownService{53, "dns"},
    KnownService{80, "www"},          KnownService{443, "https"},       KnownService{3306, "mysql"},
    KnownService{5432, "postgresql"}, KnownService{5672, "rabbitmq"},   KnownService{6379, "redis"},
    KnownService{8080, "www-alt"},    KnownService{9000, "php-fpm"},    KnownService{9180, "holdfast admin"},
    KnownService{9200, "opensearch"}, KnownService{11211, "memcached"}, KnownService{27017, "mongodb"},
};

}  // namespace

std::string_view well_known_service(std::uint16_t port) {
  const auto at =
      std::lower_bound(kKnownServices.begin(), kKnownServices.end(), port,
                       [](const KnownService& known, std::uint16_t wanted) { return known.port < wanted; });
  return at != kKnownServices.end() && at->port == port ? at->name : std::string_view();
}

std::string service_name(std::uint16_t port) {
  if (port == 0) return {};
  const std::string_view known = well_known_service(port);
  if (!known.empty()) return std::string(known);
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> buffer{};
  const int failed = getservbyport_r(htons(port), "tcp", &entry, buffer.data(), buffer.size(), &found);
  return failed == 0 && found != nullptr ? std::string(found->s_name) : std::string();
}

}  // namespace holdfast::net
