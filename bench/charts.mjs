// The curves as pictures.
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 1000;
const HEIGHT = 480;
/** Room for the names of the lines. */
const NAMES = 350;
const NANOSECONDS = 1e9;

/** Powers of ten with a unit that reads well: 1 us, 100 ns. */
function duration(nanoseconds) {
  if (nanoseconds >= 1e9) return `${nanoseconds / 1e9} s`;
  if (nanoseconds >= 1e6) return `${nanoseconds / 1e6} ms`;
  if (nanoseconds >= 1e3) return `${nanoseconds / 1e3} µs`;
  return `${nanoseconds} ns`;
}

/** The powers of ten around some values. */
function decades(values) {
  const exponents = values.map(Math.log10);
  return { min: 10 ** Math.floor(Math.min(...exponents)), max: 10 ** Math.ceil(Math.max(...exponents)) };
}

/** Cost of one piece of work against size, both logarithmic; the kernel's dashed in the same colour. */
function chart({ title, xName, yName, curves }) {
  const series = curves.flatMap(({ what, unit, points }, i) => {
    const line = (name, cost, type) => ({
      name,
      type: 'line',
      symbolSize: 6,
      color: COLOURS[i],
      lineStyle: { width: 2, type },
      symbol: type === 'solid' ? 'circle' : 'emptyCircle',
      data: points
        .filter((point) => cost(point) !== undefined)
        .map((point) => [point.size, (cost(point) / point.work) * NANOSECONDS]),
    });
    const twin = line(`${what}, per ${unit}`, ({ cost }) => cost, 'solid');
    const kernel = line(`kernel: ${what}`, ({ kernel }) => kernel, 'dashed');
    return kernel.data.length > 0 ? [twin, kernel] : [twin];
  });
  const all = series.flatMap(({ data }) => data);
  const picture = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  picture.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    legend: { orient: 'vertical', left: WIDTH - NAMES + 20, top: 'middle', itemGap: 12, textStyle: { fontSize: 11 } },
    grid: { left: 70, right: NAMES, top: 60, bottom: 50 },
    xAxis: { type: 'log', name: xName, nameLocation: 'middle', nameGap: 26, ...decades(all.map(([x]) => x)) },
    yAxis: {
      type: 'log',
      name: yName,
      axisLabel: { formatter: duration },
      ...decades(all.map(([, y]) => y)),
    },
    series,
  });
  const svg = picture.renderToSVGString();
  picture.dispose();
  return `${svg}\n`;
}

const COLOURS = ['#3b6fb6', '#c9452c', '#2f8f5b', '#8a5bb0', '#b8860b'];

/** @returns the pictures by the names of their files */
export function pictures({ frames, labs }) {
  return {
    'performance-frames.svg': chart({
      title: 'CPU time for a frame, or for each copy of a frame that goes to all',
      xName: 'ports, macvlans or hosts',
      yName: 'CPU time',
      curves: frames,
    }),
    'performance-labs.svg': chart({
      title: 'CPU time for a command of the set-up, and for the end of a namespace',
      xName: 'namespaces',
      yName: 'CPU time',
      curves: labs,
    }),
  };
}
