// What the page does once it is read: sort tables, and bring the landscape to life.

for (const button of document.querySelectorAll('th > button')) {
  button.addEventListener('click', () => {
    const head = button.parentElement;
    const table = head.closest('table');
    const column = [...head.parentElement.children].indexOf(head);
    const upwards = head.getAttribute('aria-sort') !== 'ascending';
    for (const other of head.parentElement.children) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', upwards ? 'ascending' : 'descending');
    const key = (row) => row.children[column].dataset.value ?? row.children[column].textContent;
    const order = (one, other) => {
      const [a, b] = [key(one), key(other)];
      if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1); // what is not known comes last
      const apart = Number.isNaN(Number(a) - Number(b)) ? a.localeCompare(b) : Number(a) - Number(b);
      return upwards ? apart : -apart;
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(order));
  });
}

async function enliven() {
  const given = document.getElementById('points');
  const root = document.getElementById('live');
  if (!given || !root) return;
  const { pools, rows } = JSON.parse(given.textContent);
  const unpackedPools = await Promise.all(pools.map(unpacked));
  root.hidden = false;
  root.parentElement.classList.add('live');
  window.landscape = new Landscape(root, unpackedPools, new Map(Object.entries(rows)));
  root.dataset.ready = 'true';
}

// Where a browser is too old for it the drawn landscape stays.
enliven().catch((reason) => console.error(reason));
