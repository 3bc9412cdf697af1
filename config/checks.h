// What one key alone cannot show: names that must meet, addresses that collide, folders that do not exist.
// Adds to the report; changes nothing.
#pragma once

#include "config/diagnostics.h"
#include "config/reader.h"

namespace holdfast::config {

struct Auth;
struct Config;

struct Checked {
  const Config& config;
  const Places& places;
  Report& report;
};

void check_config(const Checked& checked);   // all of them
void check_sites(const Checked& checked);    // in checks_sites.cpp
void check_routes(const Checked& checked);   // in checks_routes.cpp: what routes name and what never counts
void check_fastcgi(const Checked& checked);  // in checks_fastcgi.cpp
// The place of config.listen[index], or of config.fastcgi[index], in the file.
std::string listen_item_path(const Checked& checked, bool fastcgi, std::size_t index);
void check_habits(const Checked& checked);  // in checks_habits.cpp: what is allowed, and hardly meant
// In checks_users.cpp: warnings about a file of users. `key`: "sites[0].auth.users".
void check_users_file(const Checked& checked, const std::string& key, const Auth& auth);
// In checks_roots.cpp: warnings about a folder that exists. `key`: "sites[0].root".
void check_root_contents(const Checked& checked, const std::string& key, const std::string& root);
// The same of a folder that scripts may have files sent from. `key`: "sites[0].internal".
void check_internal_folder(const Checked& checked, const std::string& key, const std::string& prefix,
                           const std::string& folder);

}  // namespace holdfast::config
