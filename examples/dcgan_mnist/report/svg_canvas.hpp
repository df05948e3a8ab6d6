// The frame of a plot as inline SVG: axes, their labels, positions.
#pragma once

#include <string>
#include <vector>

namespace dcgan_mnist {

/// Round values that divide a range into about `count` parts.
std::vector<double> round_ticks(double low, double high, int count);

/// A y axis: where a value lies, as a share of the height, and the values that are written beside it.
struct ValueAxis {
  double low = 0, high = 1;
  bool logarithmic = false;

  double scaled(double v) const;
  double share(double v) const;
  std::vector<double> ticks() const;
};

/// An <svg> element that takes its colours from CSS: classes axis and grid, and c0, c1... of what is drawn on it.
class SvgCanvas {
 public:
  // Units of the picture. Narrow, so that letters can be read where a telephone shrinks it.
  static constexpr double width = 480, height = 270, left = 58, right = 12, top = 10, bottom = 44;

  explicit SvgCanvas(const std::string& description);

  /// The y position of a value.
  double y(const ValueAxis& axis, double value) const;

  void line(double x1, double y1, double x2, double y2, const std::string& classes);
  void rectangle(double x1, double y1, double x2, double y2, const std::string& classes);
  void text(double x, double y, const char* anchor, const std::string& s, const std::string& attributes = "");
  void add(const std::string& element) { out_ += element; }

  /// The lines across, the axes and their labels.
  void axes(const ValueAxis& axis, const std::string& x_label, const std::string& y_label);
  /// A value below the x axis; `tick`: with a mark on the axis.
  void x_value(double x, const std::string& s, bool tick);

  std::string finish() { return out_ + "</svg>"; }

 private:
  std::string out_;
};

/// A coordinate's text.
std::string coordinate(double v);

}  // namespace dcgan_mnist
