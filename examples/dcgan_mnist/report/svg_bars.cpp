#include "report/svg_bars.hpp"

#include <algorithm>

#include <tinygan/base/error.hpp>

#include "report/svg_canvas.hpp"

namespace dcgan_mnist {

std::string svg(const Bars& bars) {
  if (bars.categories.empty()) return {};
  ValueAxis axis{.low = 0, .high = 0};
  for (const BarSeries& s : bars.series)
    for (const double v : s.values) axis.high = std::max(axis.high, 1.04 * v);
  if (axis.high <= 0) axis.high = 1;

  SvgCanvas canvas(bars.y_label + " over " + bars.x_label);
  canvas.axes(axis, bars.x_label, bars.y_label);
  const double place =
      (SvgCanvas::width - SvgCanvas::left - SvgCanvas::right) / static_cast<double>(bars.categories.size());
  const double margin = 0.15 * place, bar = (place - 2 * margin) / static_cast<double>(bars.series.size());
  for (std::size_t c = 0; c < bars.categories.size(); ++c) {
    const double begin = SvgCanvas::left + place * static_cast<double>(c);
    for (std::size_t i = 0; i < bars.series.size(); ++i) {
      const double x = begin + margin + bar * static_cast<double>(i);
      canvas.rectangle(x, canvas.y(axis, bars.series[i].values.at(c)), x + bar, SvgCanvas::height - SvgCanvas::bottom,
                       tinygan::text("c", i));
    }
    canvas.x_value(begin + place / 2, bars.categories[c], false);
  }
  return canvas.finish();
}

}  // namespace dcgan_mnist
