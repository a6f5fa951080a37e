// Reads comma-separated values as spreadsheets write them (RFC 4180), so many rows of them. Pure.
// @ts-check

/**
 * Reads rows of fields.
 * @param {string} text
 * @param {{separator?: string, rowsMax?: number, columnsMax?: number}} options
 * @returns {{rows: string[][], isMore: boolean}}
 */
export function parseCSV(text, { separator = ",", rowsMax = 1000, columnsMax = 100 } = {}) {
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  let field = "";
  let place = 0;
  const endField = () => {
    if (row.length < columnsMax) row.push(field);
    field = "";
  };
  while (place < text.length) {
    const char = text[place];
    if (char === '"' && field === "") {
      let end = place + 1;
      for (;;) {
        const quote = text.indexOf('"', end);
        if (quote < 0) {
          field += text.slice(end);
          end = text.length;
          break;
        }
        field += text.slice(end, quote);
        end = quote + 1;
        if (text[end] !== '"') break;
        field += '"';
        end += 1;
      }
      place = end;
    } else if (char === separator) {
      endField();
      place += 1;
    } else if (char === "\n" || char === "\r") {
      endField();
      rows.push(row);
      row = [];
      place += char === "\r" && text[place + 1] === "\n" ? 2 : 1;
      if (rows.length >= rowsMax) return { rows, isMore: place < text.length };
    } else {
      field += char;
      place += 1;
    }
  }
  if (field !== "" || row.length > 0) {
    endField();
    rows.push(row);
  }
  return { rows, isMore: false };
}
