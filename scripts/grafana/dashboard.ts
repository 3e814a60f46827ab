/**
 * The Grafana dashboard of a store, made with the builders that Grafana generates from its own
 * schema.
 */
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard"
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus"
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries"

/** A query, and how its lines are called. */
type Query = readonly [expression: string, legend: string]

interface Graph {
  readonly title: string
  readonly description: string
  readonly unit: "ops" | "Bps" | "bytes" | "s" | "short" | "percentunit"
  readonly queries: ReadonlyArray<Query>
}

const of = (metric: string, labels = ""): string => `${metric}{store=~"$store"${labels}}`
const rate = (metric: string, labels = ""): string => `rate(${of(metric, labels)}[$__rate_interval])`
const sum = (expression: string, ...by: ReadonlyArray<string>): string =>
  `sum by (${["store", ...by].join(", ")}) (${expression})`
const perSecond = (metric: string, legend: string): Query => [sum(rate(metric)), `{{store}} ${legend}`]
const value = (metric: string, legend: string): Query => [of(metric), `{{store}} ${legend}`]
const quantile = (part: number, metric: string, what: string): Query => [
  `histogram_quantile(${part}, ${sum(rate(`${metric}_bucket`), "le")})`,
  `{{store}} ${what} p${part * 100}`
]
/** The part of `metric` in the sum of all of `metrics`. */
const share = (metric: string, metrics: ReadonlyArray<string>, legend: string): Query => [
  `${sum(rate(metric))} / (${metrics.map((one) => sum(rate(one))).join(" + ")})`,
  `{{store}} ${legend}`
]

const rows: ReadonlyArray<readonly [title: string, graphs: ReadonlyArray<Graph>]> = [
  [
    "Operations",
    [
      {
        title: "Operations",
        description: "Operations in a second. Those in batches count each.",
        unit: "ops",
        queries: [
          perSecond("lsm_puts_total", "puts"),
          perSecond("lsm_deletes_total", "deletes"),
          perSecond("lsm_gets_total", "gets"),
          perSecond("lsm_scans_total", "scans"),
          perSecond("lsm_batches_total", "batches")
        ]
      },
      {
        title: "Duration of gets and puts",
        description: "Of the operations that are sampled: one in latencySampling.",
        unit: "s",
        queries: [
          quantile(0.5, "lsm_get_duration_seconds", "get"),
          quantile(0.99, "lsm_get_duration_seconds", "get"),
          quantile(0.5, "lsm_put_duration_seconds", "put"),
          quantile(0.99, "lsm_put_duration_seconds", "put")
        ]
      },
      {
        title: "Writers held back",
        description: "Writes that were slowed down, and writes that had to wait. More than now and then: see tuning.",
        unit: "ops",
        queries: [perSecond("lsm_write_slowdowns_total", "slowed down"), perSecond("lsm_write_stops_total", "waited")]
      },
      {
        title: "Failed flushes and compactions",
        description: "Anything above 0 means that the disk is full or broken.",
        unit: "ops",
        queries: [perSecond("lsm_background_errors_total", "failures")]
      }
    ]
  ],
  [
    "Reads",
    [
      {
        title: "Where lookups end",
        description: "Lookups in a second that found an entry in a memtable, in a table of a level, or nowhere.",
        unit: "ops",
        queries: [
          perSecond("lsm_memtable_hits_total", "memtable"),
          [sum(rate("lsm_table_hits_total"), "level"), "{{store}} level {{level}}"],
          perSecond("lsm_misses_total", "nowhere")
        ]
      },
      {
        title: "Blocks found in the cache",
        description: "Below 0.9 for long, with many reads: a larger blockCacheBytes may help.",
        unit: "percentunit",
        queries: [share("lsm_cache_hits_total", ["lsm_cache_hits_total", "lsm_cache_misses_total"], "blocks")]
      },
      {
        title: "Lookups from the entry cache",
        description: "Lookups in a second that needed no block.",
        unit: "ops",
        queries: [perSecond("lsm_cache_entry_hits_total", "entries")]
      },
      {
        title: "Filters: false positives",
        description: "Of the checks for keys that a table does not have, the part that did not rule it out.",
        unit: "percentunit",
        queries: [
          share(
            "lsm_filter_false_positives_total",
            ["lsm_filter_false_positives_total", "lsm_filter_negatives_total"],
            "false positives"
          )
        ]
      }
    ]
  ],
  [
    "Writing",
    [
      {
        title: "Bytes written",
        description: "By the application, and to files by cause.",
        unit: "Bps",
        queries: [
          perSecond("lsm_user_bytes_total", "application"),
          [sum(rate("lsm_written_bytes_total"), "cause"), "{{store}} {{cause}}"]
        ]
      },
      {
        title: "Syncs of the log",
        description: "Syncs, and the records that they made durable.",
        unit: "ops",
        queries: [perSecond("lsm_log_syncs_total", "syncs"), perSecond("lsm_log_synced_records_total", "records")]
      },
      {
        title: "Flushes and compactions",
        description: "In a second.",
        unit: "ops",
        queries: [perSecond("lsm_flushes_total", "flushes"), perSecond("lsm_compactions_total", "compactions")]
      },
      {
        title: "Duration of flushes and compactions",
        description: "How long background work takes.",
        unit: "s",
        queries: [
          quantile(0.5, "lsm_flush_duration_seconds", "flush"),
          quantile(0.99, "lsm_flush_duration_seconds", "flush"),
          quantile(0.5, "lsm_compaction_duration_seconds", "compaction"),
          quantile(0.99, "lsm_compaction_duration_seconds", "compaction")
        ]
      }
    ]
  ],
  [
    "Size",
    [
      {
        title: "Bytes by level",
        description: "Bytes of table files, and of files with values.",
        unit: "bytes",
        queries: [
          [of("lsm_level_bytes"), "{{store}} level {{level}}"],
          value("lsm_value_bytes", "values"),
          value("lsm_value_live_bytes", "values in use")
        ]
      },
      {
        title: "Files",
        description: "Tables by level, and files with values.",
        unit: "short",
        queries: [[of("lsm_level_tables"), "{{store}} level {{level}}"], value("lsm_value_files", "values")]
      },
      {
        title: "Memory",
        description: "Bytes of memtables and of the cache.",
        unit: "bytes",
        queries: [value("lsm_memtable_bytes", "memtables"), value("lsm_cache_bytes", "cache")]
      },
      {
        title: "Amplification",
        description:
          "Bytes written for each byte of the application, places that a lookup may search, and bytes stored for each byte in use.",
        unit: "short",
        queries: [
          value("lsm_write_amplification", "write"),
          value("lsm_read_amplification", "read"),
          value("lsm_space_amplification", "space")
        ]
      },
      {
        title: "Open snapshots",
        description: "One that is not released keeps old versions.",
        unit: "short",
        queries: [value("lsm_snapshots", "snapshots")]
      },
      {
        title: "Age of the oldest snapshot",
        description: "How long it has been held.",
        unit: "s",
        queries: [value("lsm_oldest_snapshot_seconds", "age")]
      },
      {
        title: "Filter checks",
        description: "Bloom filter checks in a second.",
        unit: "ops",
        queries: [perSecond("lsm_filter_checks_total", "checks")]
      }
    ]
  ]
]

const source = { type: "prometheus", uid: "$datasource" }

const panelOf = ({ description, queries, title, unit }: Graph): timeseries.PanelBuilder => {
  const panel = new timeseries.PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .min(0)
    .datasource(source)
    .height(8)
    .span(12)
  for (const [i, [expression, legend]] of queries.entries()) {
    const query = new prometheus.DataqueryBuilder()
      .datasource(source)
      .refId(String.fromCharCode(65 + i))
      .expr(expression)
      .legendFormat(legend)
      .range()
    panel.withTarget(query)
  }
  return panel
}

/** All queries of the dashboard, as Grafana has them: with its variables. */
export const expressions: ReadonlyArray<string> = rows.flatMap(([, graphs]) =>
  graphs.flatMap(({ queries }) => queries.map(([expression]) => expression))
)

const make = (): dashboard.Dashboard => {
  const builder = new dashboard.DashboardBuilder("effect-lsm")
    .uid("effect-lsm")
    .description("Stores of effect-lsm, by what Metrics.prometheus or an exporter of Effect's metrics shows.")
    .tags(["effect-lsm"])
    .timezone("browser")
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .withVariable(new dashboard.DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(
      new dashboard.QueryVariableBuilder("store")
        .label("Store")
        .datasource(source)
        .query("label_values(lsm_puts_total, store)")
        .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
    )
  for (const [title, graphs] of rows) {
    builder.withRow(new dashboard.RowBuilder(title))
    for (const graph of graphs) builder.withPanel(panelOf(graph))
  }
  return builder.build()
}

/** The content of `docs/grafana/effect-lsm.json`. */
export const dashboardText = (): string => `${JSON.stringify(make(), undefined, 2)}\n`
