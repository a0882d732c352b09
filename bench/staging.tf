# What environments/staging.toml has on AWS, for Terraform: the other side of `scripts/bench`.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "AKIDEXAMPLE"
  secret_key                  = "secret"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

locals {
  zones = ["a", "b"]
  tags  = { environment = "staging" }
}

resource "aws_vpc" "network" {
  cidr_block           = "10.10.0.0/16"
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = "staging msur-vpc" })
}

resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.network.id
  cidr_block        = cidrsubnet(aws_vpc.network.cidr_block, 2, count.index)
  availability_zone = "us-east-1${local.zones[count.index]}"
  tags              = merge(local.tags, { Name = "staging msur-vpc-public-subnet-${local.zones[count.index]}" })
}

resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc.network.id
  cidr_block        = cidrsubnet(aws_vpc.network.cidr_block, 2, count.index + 2)
  availability_zone = "us-east-1${local.zones[count.index]}"
  tags              = merge(local.tags, { Name = "staging msur-vpc-private-subnet-${local.zones[count.index]}" })
}

resource "aws_internet_gateway" "network" {
  vpc_id = aws_vpc.network.id
  tags   = merge(local.tags, { Name = "staging msur-vpc-igw" })
}

resource "aws_eip" "nat" {
  count  = 2
  domain = "vpc"
  tags   = merge(local.tags, { Name = "staging msur-vpc-nat-${local.zones[count.index]}" })
}

resource "aws_nat_gateway" "network" {
  count         = 2
  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id
  tags          = merge(local.tags, { Name = "staging msur-vpc-nat-gw-${local.zones[count.index]}" })
  depends_on    = [aws_internet_gateway.network]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.network.id
  tags   = merge(local.tags, { Name = "staging msur-vpc-public-route" })
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.network.id
  }
}

resource "aws_route_table" "private" {
  count  = 2
  vpc_id = aws_vpc.network.id
  tags   = merge(local.tags, { Name = "staging msur-vpc-private-route-${local.zones[count.index]}" })
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.network[count.index].id
  }
}

resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
}

resource "aws_security_group" "cluster" {
  name        = "ms-cluster-staging"
  description = "Control plane to workers"
  vpc_id      = aws_vpc.network.id
  tags        = merge(local.tags, { Name = "ms-cluster-staging" })
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "data" {
  name        = "staging-allow-eks-db"
  description = "Database access from EKS workloads"
  vpc_id      = aws_vpc.network.id
  tags        = local.tags
  ingress {
    from_port       = 0
    to_port         = 0
    protocol        = "-1"
    security_groups = [aws_security_group.cluster.id]
  }
}

resource "aws_iam_role" "control" {
  name               = "ms-cluster-staging-control"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "eks.amazonaws.com" } }] })
  tags               = local.tags
}

resource "aws_iam_role" "worker" {
  name               = "ms-cluster-staging-worker"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "control" {
  for_each   = toset(["AmazonEKSClusterPolicy", "AmazonEKSServicePolicy"])
  role       = aws_iam_role.control.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_iam_role_policy_attachment" "worker" {
  for_each   = toset(["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"])
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_eks_cluster" "cluster" {
  name     = "ms-cluster-staging"
  role_arn = aws_iam_role.control.arn
  tags     = local.tags
  vpc_config {
    subnet_ids         = concat(aws_subnet.public[*].id, aws_subnet.private[*].id)
    security_group_ids = [aws_security_group.cluster.id]
  }
  depends_on = [aws_iam_role_policy_attachment.control]
}

resource "aws_eks_node_group" "microservices" {
  cluster_name    = aws_eks_cluster.cluster.name
  node_group_name = "microservices"
  node_role_arn   = aws_iam_role.worker.arn
  subnet_ids      = aws_subnet.private[*].id
  instance_types  = ["t3.medium"]
  disk_size       = 20
  tags            = local.tags
  scaling_config {
    min_size     = 1
    desired_size = 1
    max_size     = 5
  }
  lifecycle {
    ignore_changes = [remote_access] # moto makes one up
  }
  depends_on = [aws_iam_role_policy_attachment.worker, aws_nat_gateway.network]
}

resource "aws_secretsmanager_secret" "mysql" {
  name                    = "staging/mysql-password"
  description             = "Password of the microservices MySQL account"
  recovery_window_in_days = 0
  tags                    = local.tags
}

resource "aws_secretsmanager_secret_version" "mysql" {
  secret_id     = aws_secretsmanager_secret.mysql.id
  secret_string = "benchmark-password"
}

resource "aws_db_subnet_group" "mysql" {
  name       = "staging-rds-subnet-group"
  subnet_ids = aws_subnet.private[*].id
  tags       = local.tags
}

resource "aws_db_instance" "mysql" {
  identifier              = "microservices-mysql"
  engine                  = "mysql"
  engine_version          = "8.0"
  instance_class          = "db.t3.micro"
  allocated_storage       = 20
  storage_type            = "gp3"
  db_name                 = "microservices_db"
  username                = "microservices"
  password                = aws_secretsmanager_secret_version.mysql.secret_string
  db_subnet_group_name    = aws_db_subnet_group.mysql.name
  vpc_security_group_ids  = [aws_security_group.data.id]
  backup_retention_period = 0
  skip_final_snapshot     = true
  tags                    = local.tags
}

resource "aws_elasticache_subnet_group" "redis" {
  name       = "staging-elasticache-subnet-group"
  subnet_ids = aws_subnet.private[*].id
  tags       = local.tags
}

resource "aws_elasticache_replication_group" "redis" {
  replication_group_id = "microservices-redis"
  description          = "microservices-redis"
  engine               = "redis"
  engine_version       = "7.0"
  node_type            = "cache.m4.large"
  num_cache_clusters   = 1
  subnet_group_name    = aws_elasticache_subnet_group.redis.name
  security_group_ids   = [aws_security_group.data.id]
  tags                 = local.tags
}

resource "aws_route53_zone" "private" {
  name    = "staging.msur-vpc.com"
  comment = "names inside the VPC"
  tags    = local.tags
  vpc {
    vpc_id = aws_vpc.network.id
  }
  lifecycle {
    ignore_changes = [vpc] # moto does not keep it
  }
}

resource "aws_route53_record" "mysql" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "rds"
  type    = "CNAME"
  ttl     = 300
  records = [aws_db_instance.mysql.address]
}

resource "aws_iam_group" "data" {
  name = "DB-Ops"
}

resource "aws_iam_group_policy_attachment" "data" {
  for_each   = toset(["AmazonRDSFullAccess", "AmazonElastiCacheFullAccess"])
  group      = aws_iam_group.data.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_iam_group_membership" "data" {
  name  = "DB-Ops"
  group = aws_iam_group.data.name
  users = ["ops-account"]
}

resource "aws_ecr_repository" "flights" {
  name                 = "ms-flights"
  image_tag_mutability = "IMMUTABLE"
  tags                 = local.tags
  image_scanning_configuration {
    scan_on_push = true
  }
}
