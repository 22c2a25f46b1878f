"""The words of the synthetic demo leads: jobs, places, companies, sentences."""

from typing import NamedTuple


class Job(NamedTuple):
    """A kind of job: `pay` is a typical yearly salary in US dollars, `odds` its log-odds."""

    category: str
    titles: tuple[str, ...]
    skills: tuple[str, ...]
    duties: tuple[str, ...]
    pay: int
    odds: float


class Place(NamedTuple):
    """A place: `pay` multiplies salaries, `odds` are its log-odds."""

    name: str
    pay: float
    odds: float


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


JOBS = (
    Job(
        "software/backend",
        _words("Backend Developer|Python Engineer|Java Developer|Platform Engineer|API Developer"),
        _words("Python|Java|PostgreSQL|Kubernetes|AWS|Kafka|Go|REST APIs|Docker|microservices"),
        _words(
            "You will design services that answer thousands of requests a second.|"
            "You own your code from the first sketch to the on-call rota.|"
            "We are moving a ten-year-old monolith into small services and need a steady hand.|"
            "The team reviews every change and ships several times a day."
        ),
        118_000,
        0.8,
    ),
    Job(
        "software/frontend",
        _words("Frontend Developer|React Engineer|Web Developer|UI Engineer"),
        _words("React|TypeScript|CSS|accessibility|Vue|GraphQL|Node|design systems|testing"),
        _words(
            "You will build the screens that our customers look at all day.|"
            "Our design system has forty components and needs an owner.|"
            "You work beside two designers and a product manager.|"
            "Pages must load in a second on a slow phone, and you care that they do."
        ),
        104_000,
        0.6,
    ),
    Job(
        "software/qa/dba",
        _words("Database Administrator|QA Engineer|Test Automation Engineer|SQL Developer"),
        _words("Oracle|SQL Server|PostgreSQL|Selenium|backup and recovery|query tuning|Linux"),
        _words(
            "You keep forty production databases fast, patched and restorable.|"
            "You write the tests that let everybody else sleep.|"
            "Month-end reports take six hours today; you will make that one.|"
            "You plan upgrades, practise restores, and write down what you learned."
        ),
        97_000,
        0.8,
    ),
    Job(
        "technology/data science",
        _words("Data Scientist|Machine Learning Engineer|Data Analyst|Analytics Engineer"),
        _words("Python|SQL|machine learning|Spark|Tableau|statistics|A/B testing|dbt|forecasting"),
        _words(
            "You turn two billion events a month into decisions.|"
            "You will own the demand forecast and explain its errors to people who act on it.|"
            "Half of the work is finding the right question.|"
            "You bring models into production and watch over them afterwards."
        ),
        122_000,
        0.9,
    ),
    Job(
        "finance/accounting",
        _words("Accountant|Financial Analyst|Controller|Tax Accountant|Payroll Accountant"),
        _words("GAAP|IFRS|Excel|SAP|month-end close|audit|QuickBooks|budgeting|Power BI"),
        _words(
            "You close the books in five days and want to make it three.|"
            "You prepare the budget with eleven department heads.|"
            "Auditors come in spring, and you will have nothing to fear from them.|"
            "You reconcile accounts in four currencies."
        ),
        82_000,
        0.5,
    ),
    Job(
        "engineering/mechanical",
        _words("Mechanical Engineer|Design Engineer|Manufacturing Engineer|Project Engineer"),
        _words("SolidWorks|AutoCAD|FEA|GD&T|prototyping|lean manufacturing|PLC|tolerancing"),
        _words(
            "You take a pump from the drawing to the first thousand off the line.|"
            "You spend half of the week at the screen and half on the shop floor.|"
            "Our machines run in forty countries and must not fail in any.|"
            "You cut weight and cost without cutting safety."
        ),
        91_000,
        0.4,
    ),
    Job(
        "healthcare/nursing",
        _words("Registered Nurse|Licensed Practical Nurse|Nurse Case Manager|ICU Nurse"),
        _words("patient care|EHR|BLS|ACLS|triage|medication administration|care plans"),
        _words(
            "You care for five patients a shift, never more.|"
            "You work three days of twelve hours and have four days off.|"
            "The ward has new equipment and a charge nurse on every shift.|"
            "You teach families what to do when they are home again."
        ),
        79_000,
        0.1,
    ),
    Job(
        "sales/business development",
        _words("Account Executive|Sales Representative|Business Development Manager|Sales Agent"),
        _words("Salesforce|CRM|cold calling|negotiation|pipeline management|presentations"),
        _words(
            "You take over sixty accounts and open new ones.|"
            "Your pipeline is your own, and so is your calendar.|"
            "You visit customers two days a week within a two-hour drive.|"
            "The product sells to people who already use a worse one."
        ),
        74_000,
        -0.3,
    ),
    Job(
        "marketing/content",
        _words("Content Writer|Marketing Coordinator|SEO Specialist|Social Media Manager"),
        _words("SEO|Google Analytics|copywriting|email campaigns|WordPress|Canva|HubSpot"),
        _words(
            "You write two long articles a week and edit those of others.|"
            "You plan campaigns for the quarter and learn from each of them.|"
            "You give the brand one voice on six channels.|"
            "You brief photographers and hold them to the brief."
        ),
        62_000,
        -0.2,
    ),
    Job(
        "education/teaching",
        _words("Math Teacher|English Tutor|Science Teacher|Teaching Assistant"),
        _words("lesson planning|classroom management|curriculum design|assessment|mentoring"),
        _words(
            "You teach four classes of twenty-two pupils.|"
            "You prepare lessons with two colleagues of your subject.|"
            "Parents can reach you, at hours that you choose.|"
            "You run one club of your own choice after school."
        ),
        56_000,
        -0.5,
    ),
    Job(
        "logistics/warehouse",
        _words("Warehouse Associate|Forklift Operator|Delivery Driver|Dispatcher"),
        _words("forklift licence|inventory|RF scanners|route planning|safety|palletising"),
        _words(
            "You pick, pack and load for eighty shops.|"
            "Shifts begin at six or at two, and you know them three weeks ahead.|"
            "You drive a van that is younger than three years.|"
            "You count stock every Friday and find what is missing."
        ),
        41_000,
        -0.9,
    ),
    Job(
        "hospitality/restaurant",
        _words("Line Cook|Restaurant Manager|Barista|Front Desk Agent|Server"),
        _words("food safety|point of sale|guest service|scheduling|menu planning|stock control"),
        _words(
            "You run one station and help at the next.|"
            "We serve two hundred guests on a Saturday and stay friendly.|"
            "Tips are shared every evening among everybody on shift.|"
            "The kitchen closes at ten, and so does your day."
        ),
        37_000,
        -1.0,
    ),
)

PLACES = (
    Place("New York, NY", 1.2, 0.4),
    Place("San Francisco, CA", 1.3, 0.5),
    Place("Austin, TX", 1.05, 0.3),
    Place("Chicago, IL", 1.05, 0.3),
    Place("Seattle, WA", 1.2, 0.4),
    Place("Boise, ID", 0.85, -0.3),
    Place("Dayton, OH", 0.8, -0.4),
    Place("Toronto, Canada", 0.95, 0.3),
    Place("London, United Kingdom", 1.0, 0.4),
    Place("Leeds, United Kingdom", 0.8, -0.2),
    Place("Berlin, Germany", 0.9, 0.3),
    Place("Kassel, Germany", 0.75, -0.3),
    Place("Paris, France", 0.9, 0.2),
    Place("Bengaluru, India", 0.4, 0.0),
    Place("São Paulo, Brazil", 0.45, -0.1),
    Place("Sydney, Australia", 1.0, 0.2),
    Place("Remote", 1.0, 0.9),
    Place("Remote, United States", 1.05, 0.9),
)

# Name, and the domain it writes from: `.example` belongs to nobody (RFC 2606).
COMPANIES = tuple(
    (name, f"{name.split()[0].lower()}.example")
    for name in _words(
        "Northwind Robotics|Larkspur Health|Cobalt Analytics|Harbor Foods|Juniper Bank|"
        "Meridian Pumps|Tamarind Studio|Oakline Logistics|Brightwater School|Quarry Software|"
        "Fennel Kitchens|Alder Insurance|Pinnacle Staffing|Saltmarsh Energy|Vireo Travel|"
        "Copperleaf Media|Stonebridge Homes|Willow Clinic|Ember Mobility|Granite Payroll"
    )
)
FREE_MAIL = ("gmail.com", "yahoo.com", "hotmail.com", "gmx.de")

# Word in front of the title, factor on pay, log-odds.
LEVELS = (
    ("", 1.0, 0.0),
    ("", 1.0, 0.0),
    ("Junior ", 0.72, -0.6),
    ("Senior ", 1.3, 0.5),
    ("Lead ", 1.45, 0.4),
    ("Intern - ", 0.4, -1.0),
)
COMPANY_SENTENCES = _words(
    "{company} has been in business for {years} years and is still growing.|"
    "{company} is a team of {people} people who like what they make.|"
    "At {company} you will find {people} colleagues and very few meetings.|"
    "Join {company}, founded {years} years ago by two engineers and a nurse."
)
SKILL_SENTENCES = _words(
    "You know {first} and {second}; {third} would be a plus.|"
    "We work with {first}, {second} and {third}.|"
    "You bring {experience}+ years of experience with {first} and {second}.|"
    "Must have: {first}, {second}. Nice to have: {third}."
)
BENEFIT_SENTENCES = _words(
    "Benefits include health insurance, dental, a pension plan and 25 days of vacation.|"
    "We offer flexible hours, paid parental leave and a training budget.|"
    "You get medical insurance from the first day, 401k with matching, and paid holidays."
)
URGENT_SENTENCES = _words(
    "Immediate start, we are hiring now.|This is urgent: interviews are held this week.|"
    "The position is open today and must be filled fast."
)
RED_FLAG_SENTENCES = _words(
    "This is an unpaid trial with unlimited earning potential.|"
    "Commission only, no experience needed, be your own boss!|"
    "A small upfront fee covers your starter kit, income guaranteed."
)
