// Closes the period picker on Escape and on a click beside it. Without this script its own button closes it.
document.addEventListener("click", (event) => {
  const picker = document.querySelector("[data-period][open]");
  if (picker && !picker.contains(event.target)) picker.open = false;
});

document.addEventListener("keydown", (event) => {
  const picker = document.querySelector("[data-period][open]");
  if (event.key !== "Escape" || !picker) return;
  picker.open = false;
  picker.querySelector("summary").focus();
});
