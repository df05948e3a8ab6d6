#include "report/page_parts.hpp"

#include <tinygan/base/error.hpp>
#include <tinygan/io/file.hpp>

#include "report/html.hpp"
#include "report/run_files.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;

namespace {

/// The name of the series i beside its colour.
std::string key_entry(std::size_t i, const std::string& name) {
  return "<span><i class=\"c" + std::to_string(i) + "\"></i>" + escape(name) + "</span>";
}

std::string card_of(const std::string& heading, const std::string& key, const std::string& picture,
                    const std::string& explanation) {
  if (picture.empty()) return {};
  return "<section class=\"card\"><h3>" + escape(heading) + "</h3><div class=\"key\">" + key + "</div>" + picture +
         "<p class=\"note\">" + escape(explanation) + "</p></section>\n";
}

}  // namespace

std::string figure_of(const fs::path& path, const char* media_type, const std::string& heading,
                      const std::string& caption, std::vector<std::string>& problems) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  try {
    const std::string source = data_uri(media_type, tinygan::io::read_file(path));
    return "<figure>" + (heading.empty() ? "" : "<h3>" + escape(heading) + "</h3>") + "<img alt=\"" + escape(heading) +
           "\" src=\"" + source + "\">" + (caption.empty() ? "" : "<figcaption>" + escape(caption) + "</figcaption>") +
           "</figure>\n";
  } catch (const tinygan::Error& e) {
    problems.emplace_back(e.what());
    return {};
  }
}

std::string card(const std::string& heading, const Plot& plot, const std::string& explanation) {
  std::string key;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    std::string name = plot.curves[i].name;
    if (i < plot.bands.size() && plot.bands[i])
      name += ", healthy " + number_text(plot.bands[i]->low) + " to " + number_text(plot.bands[i]->high);
    key += key_entry(i, name);
  }
  return card_of(heading, key, svg(plot), explanation);
}

std::string card(const std::string& heading, const Bars& bars, const std::string& explanation) {
  std::string key;
  for (std::size_t i = 0; i < bars.series.size(); ++i) key += key_entry(i, bars.series[i].name);
  return card_of(heading, key, svg(bars), explanation);
}

Curve curve_of(const std::vector<nlohmann::ordered_json>& lines, const std::string& name, const std::string& key) {
  Curve c{name, {}};
  for (const nlohmann::ordered_json& line : lines) c.points.emplace_back(number_of(line, "step"), number_of(line, key));
  return c;
}

}  // namespace dcgan_mnist
