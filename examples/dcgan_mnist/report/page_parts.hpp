// Parts that several sections of the report are made of.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/svg_bars.hpp"
#include "report/svg_plot.hpp"

namespace dcgan_mnist {

/// A <figure> of an image file, embedded. Empty if the file is missing; if it cannot be read, `problems` says why.
std::string figure_of(const std::filesystem::path& path, const char* media_type, const std::string& heading,
                      const std::string& caption, std::vector<std::string>& problems);

/// A <section> with a plot, its key and an explanation. Empty if there is nothing to draw.
std::string card(const std::string& heading, const Plot& plot, const std::string& explanation);
std::string card(const std::string& heading, const Bars& bars, const std::string& explanation);

/// The values of `key` over the steps of JSON lines.
Curve curve_of(const std::vector<nlohmann::ordered_json>& lines, const std::string& name, const std::string& key);

}  // namespace dcgan_mnist
