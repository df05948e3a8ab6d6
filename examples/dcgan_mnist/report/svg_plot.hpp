// Line plots as inline SVG.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dcgan_mnist {

/// A named line through points (x, y), x rising; points that are not finite are gaps.
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// A range of y that is healthy for the curve of the same index.
struct Band {
  double low = 0, high = 0;
};

/// Curves over one pair of axes.
struct Plot {
  std::string x_label, y_label;
  std::vector<Curve> curves = {};
  std::vector<std::optional<Band>> bands = {};
  std::optional<double> low = {}, high = {};  ///< of the y axis, if not from the points
  std::optional<double> reference = {};       ///< a value to compare with: a broken line across
  bool logarithmic = false;                   ///< the y axis; values that are not positive are gaps
};

/// An <svg> element that takes its colours from CSS: classes c0, c1... for curves and their bands, axis, grid. Many
/// points are drawn as the mean of each stretch within its range. Empty if there is no point to draw.
std::string svg(const Plot& plot);

}  // namespace dcgan_mnist
