/** Shared style of all plots. */
import type { TopLevelSpec } from 'vega-lite';

type Config = NonNullable<TopLevelSpec['config']>;

/** A palette that colour-blind people can distinguish (Okabe and Ito, 2008). */
export const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

export const CONFIG: Config = {
  background: 'white',
  font: 'DejaVu Sans, Verdana, sans-serif',
  axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', gridColor: '#e4e4e4' },
  header: { labelFontSize: 13, labelFontWeight: 'bold', titleFontSize: 12 },
  legend: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    symbolSize: 90,
    labelLimit: 400,
  },
  title: { fontSize: 15, anchor: 'start', subtitleFontSize: 12, subtitleColor: '#555555', offset: 14 },
  view: { stroke: '#bbbbbb' },
};

export const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json';
