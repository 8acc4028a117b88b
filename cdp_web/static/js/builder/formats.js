// Numbers and days in the language of the page.
const language = document.documentElement.lang || "en";
const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const shares = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
// 31 Oct 2019 in English, 31/10/2019 elsewhere: as the server writes them.
const day = { day: "2-digit", month: "2-digit", year: "numeric" };
const isEnglish = language === "en";
const days = new Intl.DateTimeFormat(isEnglish ? "en-GB" : language, { ...(isEnglish ? { dateStyle: "medium" } : day), timeZone: "UTC" });
const times = new Intl.DateTimeFormat(
  isEnglish ? "en-GB" : language,
  isEnglish ? { dateStyle: "medium", timeStyle: "short" } : { ...day, hour: "2-digit", minute: "2-digit" },
);

export const formatCount = (count) => whole.format(count);
export const formatShort = (number) => short.format(number);
export const formatShare = (share) => (share > 0 && share < 0.001 ? `<${shares.format(0.001)}` : shares.format(share));
export const formatDay = (iso) => days.format(new Date(`${iso}T00:00:00Z`));
export const formatTime = (moment) => times.format(new Date(moment));
