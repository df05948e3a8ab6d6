// Bar charts as inline SVG.
#pragma once

#include <string>
#include <vector>

namespace dcgan_mnist {

/// Values of a series, one a category.
struct BarSeries {
  std::string name;
  std::vector<double> values;
};

/// Bars of every series side by side in each category, over a y axis from 0.
struct Bars {
  std::string x_label, y_label;
  std::vector<std::string> categories;
  std::vector<BarSeries> series;  ///< with a value at least 0 for each category
};

/// An <svg> element that takes its colours from CSS: classes c0, c1... for the series. Empty if there is no category.
std::string svg(const Bars& bars);

}  // namespace dcgan_mnist
