// See recognise_app.h.
#include "config/recognise_app.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace holdfast::config {

namespace {

struct Sign {
  std::string_view app;
  std::array<std::string_view, 2> files;  // below the root; all that are named are there
};

// Laravel, Symfony, Magento and TYPO3 keep theirs beside the public folder.
constexpr std::array<Sign, 16> kSigns = {{
    {"wordpress", {"wp-includes/version.php", "wp-login.php"}},
    {"nextcloud", {"occ", "remote.php"}},
    {"drupal", {"core/lib/Drupal.php", "index.php"}},
    {"laravel", {"../artisan", "index.php"}},
    {"symfony", {"../config/bundles.php", "index.php"}},
    {"mediawiki", {"includes/WebStart.php", "load.php"}},
    {"dokuwiki", {"doku.php", "inc/init.php"}},
    {"matomo", {"matomo.php", "piwik.php"}},
    {"magento", {"../bin/magento", "static.php"}},
    {"magento", {"bin/magento", "pub/index.php"}},
    {"phpmyadmin", {"show_config_errors.php", "themes"}},
    {"joomla", {"administrator/manifests/files/joomla.xml", {}}},
    {"moodle", {"lib/moodlelib.php", {}}},
    {"shaarli", {"shaarli_version.php", {}}},
    {"typo3", {"../vendor/typo3/cms-core", "index.php"}},
    {"typo3", {"typo3/sysext", "index.php"}},
}};

bool is_there(const std::string& root, const Sign& sign) {
  return std::all_of(sign.files.begin(), sign.files.end(), [&root](std::string_view file) {
    std::error_code error;
    return file.empty() || std::filesystem::exists(root + "/" + std::string(file), error);
  });
}

}  // namespace

const Preset* recognise_app(const std::string& root) {
  const auto sign =
      std::find_if(kSigns.begin(), kSigns.end(), [&root](const Sign& each) { return is_there(root, each); });
  if (sign == kSigns.end()) return nullptr;
  const auto known = presets();
  const auto preset = std::find_if(known.begin(), known.end(),
                                   [&sign](const Preset& each) { return each.name == sign->app; });
  return preset == known.end() ? nullptr : &*preset;
}

}  // namespace holdfast::config
