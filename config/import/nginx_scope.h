// One server or location of nginx on its way into a Site or a Route: what its directives set. Private to the
// import.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/auth.h"
#include "config/import/nginx_syntax.h"
#include "config/import/nginx_words.h"

namespace holdfast::config {

struct Pool;
struct Site;

// What the parts of an import share.
struct NginxContext {
  std::vector<Address>& listen;
  std::vector<Pool>& pools;
  std::vector<Site>& sites;
  std::vector<ImportNote>& notes;
  const std::vector<NginxDirective>& top;  // of http: upstreams, and what servers inherit

  void note(const NginxDirective& directive, const std::string& why) const {
    notes.push_back({directive.file, directive.line, directive.text() + ": " + why});
  }
};

// Who may come: what a block says of it, or has inherited.
struct NginxAccess {
  bool said = false;                          // `allow` or `deny` of its own: the outer block's do not count
  bool decided = false;                       // by `all`: what follows counts for nothing
  bool nobody = false;                        // `deny all`
  std::optional<std::vector<Network>> allow;  // `allow all` is every network
  std::vector<Network> denied;                // by `deny ADDRESS`; but for what `allow` before it lets in
  bool auth_said = false;                     // one of these three of its own
  bool auth_off = false;
  std::optional<std::string> realm;
  std::optional<std::string> users;

  // What must be passed; nothing where nobody is asked.
  std::optional<Auth> auth() const;
};

struct NginxScope {
  PathSettings settings;
  std::optional<std::uint64_t> max_body;
  std::string pool;
  std::string root;
  std::string alias;
  bool internal = false;
  std::optional<int> deny;  // by `return`
  NginxAccess access;
  std::optional<std::string> redirect;
  int status = 301;
  std::optional<std::string> to;
  std::optional<std::string> fallback;
  bool gone_to_https = false;  // what is asked for by http goes to https
};

// Takes over what `directive` says within `scope`. False: it is none of the settings that servers and
// locations have in common.
bool take_setting(const NginxContext& context, const NginxDirective& directive, NginxScope& scope);
bool take_action(const NginxContext& context, const NginxDirective& directive, const std::string& server_name,
                 const std::vector<NginxDirective>& server, NginxScope& scope);
// The same for keys that only a site has.
bool take_site_key(const NginxContext& context, const NginxDirective& directive, Site& site);
// `server_name`: adds its names to `hosts`. True: the server is for all hosts that have none.
bool take_names(const NginxContext& context, const NginxDirective& directive,
                std::vector<std::string>& hosts);
// True: of a server for all hosts that have none.
bool take_listen(const NginxContext& context, const NginxDirective& directive);
// The name of the pool for fastcgi_pass, made when it is new; empty: not to be said.
std::string pool_of(const NginxContext& context, const NginxDirective& directive);
// It lets in whom others would refuse.
bool opens(const NginxScope& scope);
// Of http, where a server has `allow` or `deny` of its own.
void forget_who_may_come(NginxAccess& access);
// Completes `scope.access` by what the block around it says, and puts what is its own into the settings.
void inherit_access(const NginxContext& context, const NginxDirective& block, const NginxAccess& outer,
                    NginxScope& scope);

}  // namespace holdfast::config
