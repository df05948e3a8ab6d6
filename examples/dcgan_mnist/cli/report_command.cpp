#include "cli/command_line.hpp"
#include "report/report.hpp"

namespace dcgan_mnist {

void add_report_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<ReportOptions>();
  CLI::App& c =
      add_command(app, chosen, "report",
                  "Write a run's progress.gif and report.html anew, whether it has ended or not.", o, &report);
  add_value(c, "run", o->run, NonEmpty{}, "The run directory").required()->type_name("DIR");
}

}  // namespace dcgan_mnist
