// Closes the period picker on Escape and on a click beside it. Without this script its own button closes it.
const picker = document.querySelector("[data-period]");

document.addEventListener("click", (event) => {
  if (picker?.open && !picker.contains(event.target)) picker.open = false;
});

picker?.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  picker.open = false;
  picker.querySelector("summary").focus();
});
