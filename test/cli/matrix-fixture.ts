import type { MatrixView, ViewCell } from '../../src/cli/render/matrix/view.ts';
/** A view of a dozen services: enough to see whether a picture is readable. */
const names = [
  'adservice',
  'cartservice',
  'checkoutservice',
  'currencyservice',
  'emailservice',
  'frontend',
  'loadgenerator',
  'paymentservice',
  'productcatalogservice',
  'recommendationservice',
  'redis-cart',
  'shippingservice',
];
const ports = ['9555', '7070', '5050', '7000', '8080', '8080', '', '50051', '3550', '8080', '6379', '50051'];
const allow = new Set([
  '5>0',
  '5>1',
  '5>2',
  '5>3',
  '5>8',
  '5>9',
  '5>11',
  '2>1',
  '2>3',
  '2>4',
  '2>7',
  '2>8',
  '2>11',
  '9>8',
  '1>10',
  '6>5',
  '12>5',
]);
const points = names.map((name, i) => ({
  name,
  group: 'shop',
  detail: 'Deployment, 2 pods',
  ports: ports[i] ? [`${ports[i]}/TCP`, ...(i === 5 ? ['9090/TCP'] : [])] : [],
}));
points.push({
  name: 'prometheus',
  group: 'monitoring',
  detail: 'StatefulSet, 1 pod',
  ports: ['9090/TCP', '9091/TCP', '9092/TCP'],
});
points.push({ name: 'internet', group: 'outside', detail: '192.0.2.1', ports: ['443/TCP'] });
const cells = points.map((_, from) =>
  points.map((to, index): ViewCell => {
    if (to.ports.length === 0 || (from === 13 && index === 13))
      return { state: 'na', allowed: [], denied: [] };
    const ok = from === 12 || allow.has(`${from}>${index}`) || from === index;
    if (!ok) return { state: 'none', allowed: [], denied: to.ports };
    if (index === 5 && from !== 5)
      return { state: 'some', allowed: to.ports.slice(0, 1), denied: to.ports.slice(1) };
    return { state: 'all', allowed: to.ports, denied: [] };
  }),
);
export const shopView: MatrixView = { points, cells, summary: '14 workloads, 23 of 132 pairs may talk' };
